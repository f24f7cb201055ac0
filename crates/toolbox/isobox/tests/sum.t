$ printf 'abc' | sum
16556     1
~ busybox: no such applet

$ printf 'abc' | sum -s
294 1
~ busybox: no such applet

$ printf '' | sum
00000     0
~ busybox: no such applet

$ printf 'abc' >f; sum f
16556     1 f
~ busybox: no such applet

$ printf 'abc' >f; sum f f
16556     1 f
16556     1 f
~ busybox: no such applet

$ printf 'abc' >f; sum -s f f
294 1 f
294 1 f
~ busybox: no such applet

$ seq 10000 | sum
59079    48
~ busybox: no such applet

$ seq 10000 | sum -s
49793 96
~ busybox: no such applet

$ sum missing
? 1
~ busybox: no such applet
