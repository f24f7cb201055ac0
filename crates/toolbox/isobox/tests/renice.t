$ sleep 5 & renice -n 5 -p $! >/dev/null; kill $!

% root
$ sleep 5 & renice 5 $! >/dev/null && ps -o ni= -p $! | tr -d ' '; kill $!
5
~ busybox: says: ps: invalid option -- 'p'

$ renice
? 1

% root
$ renice 5
? 1
~ busybox: the status is 0

% root
$ renice 5 x
? 1

$ renice -n 5 -p 999999999
? 1

$ renice x 1
? 1

$ sleep 5 & renice 7 -p $! >/dev/null && ps -o ni= -p $! | tr -d ' '; kill $!
7
~ busybox: says: ps: invalid option -- 'p'
