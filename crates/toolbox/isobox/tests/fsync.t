$ echo >f; fsync f
~ busybox: no such applet
~ gnu: no such command

$ fsync missing
? 1
~ busybox: no such applet
~ gnu: no such command

$ fsync
? 1
~ busybox: no such applet
~ gnu: no such command

$ echo >f; fsync -d f
~ busybox: no such applet
~ gnu: no such command

$ echo >f; echo >g; fsync f g
~ busybox: no such applet
~ gnu: no such command

$ fsync .
~ busybox: no such applet
~ gnu: no such command

$ fsync missing f
? 1
~ busybox: no such applet
~ gnu: no such command

$ mkdir d; fsync d
~ busybox: no such applet
~ gnu: no such command
