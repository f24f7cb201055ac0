$ nice
0
~ busybox: no such applet

$ nice -n 5 nice
5
~ busybox: no such applet

$ nice nice
10
~ busybox: no such applet

$ nice -n 5 sh -c 'exit 3'
? 3
~ busybox: no such applet

$ nice nosuchprogram
? 127
~ busybox: no such applet

$ nice -n x true
? 125
~ busybox: no such applet

$ nice -3 nice
3
~ busybox: no such applet

$ nice -n 19 nice
19
~ busybox: no such applet
