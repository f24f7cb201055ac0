$ flock f echo x
x
~ busybox: no such applet

$ flock f sh -c 'flock -n f echo no || echo locked'
locked
~ busybox: no such applet

$ flock -s f flock -s -n f echo both
both
~ busybox: no such applet

$ flock -s f flock -n f echo no
? 1
~ busybox: no such applet

$ flock f -c 'echo x'
x
~ busybox: no such applet

$ flock -n -E 5 f flock -n -E 7 f true
? 7
~ busybox: no such applet

$ flock f false
? 1
~ busybox: no such applet

$ flock -w 0.2 f flock -w 0.2 f echo no
? 1
~ busybox: no such applet

$ exec 3>f; flock 3; flock -n f echo no; flock -u 3; flock -n f echo yes
yes
~ busybox: no such applet

$ flock
? 1
~ busybox: no such applet
~ gnu: says: not enough arguments
