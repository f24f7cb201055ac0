$ mknod p p; stat -c %F p
fifo

% root
$ mknod c c 1 3; stat -c '%F %t:%T' c
character special file 1:3

% root
$ mknod b b 7 0; stat -c '%F %t:%T' b
block special file 7:0

% root
$ mknod -m 600 c c 1 3; stat -c %a c
600

% root
$ mknod c c 1
? 1

$ mknod p p 1 2
? 1

$ mknod c x 1 2
? 1

$ mknod
? 1

$ mknod p p; mknod p p
? 1

% root
$ mknod u u 1 5; stat -c '%F %t:%T' u
character special file 1:5
