$ pathchk a/b
~ busybox: no such applet

$ pathchk -p 'a:b'
? 1
~ busybox: no such applet

$ pathchk -P -- -a
? 1
~ busybox: no such applet

$ pathchk ''
? 1
~ busybox: no such applet

$ pathchk -p abcdefghijklmno
? 1
~ busybox: no such applet

$ pathchk -p abc
~ busybox: no such applet

$ pathchk
? 1
~ busybox: no such applet

$ pathchk a b c
~ busybox: no such applet
