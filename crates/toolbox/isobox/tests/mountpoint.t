$ mountpoint /proc; mountpoint -q /proc; echo $?
/proc is a mountpoint
0
~ busybox: not in this build

$ mkdir d; mountpoint d
d is not a mountpoint
? 1
~ gnu: fails with 32
~ busybox: not in this build

$ mountpoint -d /proc | grep -c '^[0-9]*:[0-9]*$'
1
~ busybox: not in this build

$ mountpoint -q nope
? 1
~ busybox: not in this build

$ mountpoint nope 2>/dev/null
? 1
~ busybox: not in this build
