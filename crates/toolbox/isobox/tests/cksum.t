$ printf 'abc' | cksum
1219131554 3
~ busybox: no such applet

$ printf '' | cksum
4294967295 0
~ busybox: no such applet

$ printf 'abc' >f; cksum f
1219131554 3 f
~ busybox: no such applet

$ printf 'abc' >f; cksum f f
1219131554 3 f
1219131554 3 f
~ busybox: no such applet

$ seq 10000 | cksum
1588019829 48894
~ busybox: no such applet

$ cksum missing
? 1
~ busybox: no such applet

$ printf '123456789' | cksum
930766865 9
~ busybox: no such applet

$ seq 7 | cksum
35733853 14
~ busybox: no such applet
