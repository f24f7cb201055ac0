$ printf abc >f; stat -c %s f
3

$ echo >f; chmod 640 f; stat -c '%a %A' f
640 -rw-r-----

$ mkdir d; stat -c %F d
directory

$ echo x >f; stat -c %F f
regular file

$ : >f; stat -c %F f
regular empty file

$ ln -s x l; stat -c '%F %N' l
symbolic link 'l' -> 'x'

$ ln -s x l; stat -L -c %F l
? 1

$ echo >f; touch -d @1577934245 f; stat -c '%Y %y' f
1577934245 2020-01-02 03:04:05.000000000 +0000

$ echo >f; stat -c '%h %u %g %U %G' f
1 0 0 root root

$ stat -c '%t:%T %F' /dev/null
1:3 character special file

$ stat missing
? 1

$ echo >f; stat -c %n f f
f
f

$ echo >f; stat -c '%%' f
%

$ echo >f; stat --printf '%n\n' f
f
~ busybox: says: unrecognized option '--printf'

$ stat -f -c %T /proc
proc

$ echo >f; stat -c '%5a|%-5a|%05a' f
  644|644  |00644

$ mkfifo p; stat -c %F p
fifo

$ stat
? 1

$ printf abc >f; touch -d @0 f; chmod 644 f; stat -t f | cut -d ' ' -f 1,2
f 3

$ printf abc >f; stat f | head -n 2 | sed 's/Blocks:.*Block:/B/'
  File: f
  Size: 3         	B 4096   regular file
