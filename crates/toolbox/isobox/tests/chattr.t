% root
$ touch f; chattr +i f; rm -f f; chattr -i f; ls f
f
~ busybox: no such applet

% root
$ touch f; chattr +A f; lsattr f | cut -c 8
A
~ busybox: no such applet

% root
$ chattr +i missing
? 1
~ busybox: no such applet

% root
$ touch f; chattr +q f
? 1
~ busybox: no such applet

% root
$ chattr
? 1
~ busybox: no such applet

% root
$ chattr +i
? 1
~ busybox: no such applet

% root
$ touch f; chattr +d f; chattr -d f; lsattr f | cut -c 7
-
~ busybox: no such applet

% root
$ mkdir d; touch d/f; chattr -R +d d; lsattr d | cut -c 7; chattr -R -d d
d
~ busybox: no such applet
