# another root
$ mkdir -p r/bin r/proc; cp /bin/busybox r/bin/; chroot r /bin/busybox echo hello; chroot r /bin/busybox ls /
hello
bin
proc
% root

# the directory is its root
$ mkdir -p r/bin; cp /bin/busybox r/bin/; chroot r /bin/busybox pwd
/
% root

# a user
$ mkdir -p r/bin; chmod 755 . r r/bin; cp /bin/busybox r/bin/; chroot --userspec 7:8 --groups 9 r /bin/busybox id
uid=7 gid=8 groups=9
% root
~ busybox: none
~ gnu: another order

# no such directory
$ chroot nope true 2>/dev/null
? 125
~ busybox: fails with 1

# no such program
$ mkdir r; chroot r /nope 2>/dev/null
? 127
% root
