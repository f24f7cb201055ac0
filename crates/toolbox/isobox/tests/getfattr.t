% root
$ touch f; setfattr -n user.a -v b f; getfattr f
| # file: f
user.a
|
~ busybox: no such applet
~ gnu: no such command

% root
$ touch f; setfattr -n user.a -v b f; getfattr -d f
| # file: f
user.a="b"
|
~ busybox: no such applet
~ gnu: no such command

% root
$ touch f; setfattr -n user.a -v b f; getfattr -n user.a f
| # file: f
user.a="b"
|
~ busybox: no such applet
~ gnu: no such command

$ touch f; getfattr f
~ busybox: no such applet
~ gnu: no such command

$ getfattr missing
? 1
~ busybox: no such applet
~ gnu: no such command

$ touch f; getfattr -n user.none f
? 1
~ busybox: no such applet
~ gnu: no such command

% root
$ touch f; setfattr -n user.a -v b f; getfattr -d -e hex f
| # file: f
user.a=0x62
|
~ busybox: no such applet
~ gnu: no such command

% root
$ touch f g; setfattr -n user.a -v b f; setfattr -n user.a -v c g; getfattr -d f g
| # file: f
user.a="b"
|
| # file: g
user.a="c"
|
~ busybox: no such applet
~ gnu: no such command
