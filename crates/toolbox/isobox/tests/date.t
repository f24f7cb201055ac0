$ date -u -d @0
Thu Jan  1 00:00:00 UTC 1970

$ date -u -d @0 +%F
1970-01-01

$ date -u -d '2020-01-02 03:04:05' +%s
1577934245

$ date -d '2020-01-02' +%A
Thursday

$ date -u -d @1577934245 '+%Y %m %d %H %M %S'
2020 01 02 03 04 05

$ date -u -d @1577934245 '+%a %A %b %B %j %u %w'
Thu Thursday Jan January 002 4 4

$ date -u -d @1577934245 '+%U %V %W %G'
00 01 00 2020

$ date -u -d @1577934245 '+%D %T %R %r'
01/02/20 03:04:05 03:04 03:04:05 AM

$ date -u -d @1577934245 '+%c'
Thu Jan  2 03:04:05 2020

$ date -u -R -d @1577934245
Thu, 02 Jan 2020 03:04:05 +0000

$ date -u -I -d @1577934245
2020-01-02

$ date -u -Iseconds -d @1577934245
2020-01-02T03:04:05+00:00

$ touch -d @5 f; date -u -r f +%s
5

$ date -d nonsense
? 1

$ date +%%
%

$ date -u -d @0 '+%e %k %l %-d %_d'
 1  0 12 1  1

$ date -u -d '1970-01-01 +1 day' +%s
86400
~ busybox: says: invalid date '1970-01-01 +1 day'

$ date -u -d 'yesterday' +%F >/dev/null
~ busybox: says: invalid date 'yesterday'

$ TZ=EST5EDT date -d @0 +%Z%z
EST-0500

$ TZ=CET-1 date -d '2020-07-01 12:00' +%s
1593601200

$ date -u -d @1.5 +%s
1
~ busybox: says: invalid date '@1.5'

$ date -u -d '2020-02-30'
? 1
~ busybox: prints otherwise

$ date -u -D '%d.%m.%Y' -d '02.01.2020' +%F
2020-01-02
~ gnu: says: invalid option -- 'D'

$ date -u -d 2020.01.02-03:04 +%s
1577934240
~ gnu: says: invalid date '2020.01.02-03:04'

$ date -u -d @0 +%N
000000000
~ busybox: prints otherwise

$ date -u --rfc-3339=seconds -d @0
1970-01-01 00:00:00+00:00
~ busybox: says: unrecognized option '--rfc-3339=seconds'

$ date a b
? 1
