$ touch f; stat -c %s f
0

$ touch -c f; ls

$ touch -d '2020-01-02 03:04:05' f; stat -c %Y f
1577934245

$ touch -d @12345 f; stat -c %Y f
12345

$ touch -t 202001020304.05 f; stat -c %Y f
1577934245

$ touch -t 01020304 f; date -r f +%m%d%H%M
01020304

$ touch -d 2020-01-02 f; touch -r f g; stat -c %Y g
1577923200
~ busybox: prints otherwise

$ touch -d 2020-01-02 f; touch -m -d 2021-01-02 f; stat -c '%X %Y' f
1577923200 1609545600
~ busybox: prints otherwise

$ touch -d 2020-01-02 f; touch -a -d 2021-01-02 f; stat -c '%X %Y' f
1609545600 1577923200
~ busybox: prints otherwise

$ ln -s missing l; touch -h -d @5 l; stat -c %Y l
5

$ touch d/f
? 1

$ touch -d nonsense f
? 1

$ touch
? 1

$ mkdir d; touch -d @7 d; stat -c %Y d
7

$ touch a b c; ls
a
b
c

$ touch -d '2020-01-02 03:04:05.123456789' f; stat -c %y f
2020-01-02 03:04:05.123456789 +0000
~ busybox: says: invalid date '2020-01-02 03:04:05.123456789'
