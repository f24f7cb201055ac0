$ lsattr missing
? 1
~ busybox: no such applet

$ touch f; lsattr f | sed 's/^[-a-zA-Z]* //'
f
~ busybox: no such applet

$ mkdir d; touch d/f; lsattr d | sed 's/^[-a-zA-Z]* //'
d/f
~ busybox: no such applet

$ mkdir d; lsattr -d d | sed 's/^[-a-zA-Z]* //'
d
~ busybox: no such applet

% root
$ touch f; chattr +i f; lsattr f | cut -c 5; chattr -i f
i
~ busybox: no such applet

% root
$ touch f; chattr +a f; lsattr f | cut -c 6; chattr -a f
a
~ busybox: no such applet

$ mkdir d; touch d/.h; lsattr d
~ busybox: no such applet

$ mkdir d; touch d/.h; lsattr -a d | sed 's/^[-a-zA-Z]* //' | grep h
d/.h
~ busybox: no such applet
