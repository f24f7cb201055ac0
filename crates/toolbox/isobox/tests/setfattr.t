% root
$ touch f; setfattr -n user.a -v b f; getfattr -n user.a --only-values f
b
\
~ busybox: no such applet
~ gnu: no such command

% root
$ touch f; setfattr -n user.a -v b f; setfattr -x user.a f; getfattr f
~ busybox: no such applet
~ gnu: no such command

% root
$ touch f; setfattr -n user.a -v 0x414243 f; getfattr -n user.a --only-values f
ABC
\
~ busybox: no such applet
~ gnu: no such command

% root
$ setfattr -n user.a -v b missing
? 1
~ busybox: no such applet
~ gnu: no such command

% root
$ touch f; setfattr -x user.none f
? 1
~ busybox: no such applet
~ gnu: no such command

% root
$ touch f; setfattr -n bad -v b f
? 1
~ busybox: no such applet
~ gnu: no such command

% root
$ touch f; setfattr -v b f
? 1
~ busybox: no such applet
~ gnu: no such command

% root
$ touch f; setfattr -n user.a f; getfattr f
| # file: f
user.a
|
~ busybox: no such applet
~ gnu: no such command
