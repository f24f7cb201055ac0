$ printf 'a\nb\n' >f; printf 'b\nc\n' >g; comm f g
a
		b
	c
~ busybox: no such applet

$ printf 'a\nb\n' >f; printf 'b\nc\n' >g; comm -12 f g
b
~ busybox: no such applet

$ printf 'a\nb\n' >f; printf 'b\nc\n' >g; comm -3 f g
a
	c
~ busybox: no such applet

$ printf 'a\nb\n' >f; printf 'b\nc\n' >g; comm -23 f g
a
~ busybox: no such applet

$ printf 'a\nb\n' >f; printf 'b\nc\n' >g; comm --output-delimiter=, f g
a
,,b
,c
~ busybox: no such applet

$ printf 'a\nb\n' >f; printf 'b\nc\n' >g; comm --total f g
a
		b
	c
1	1	1	total
~ busybox: no such applet

$ printf 'a\n' >f; comm f /dev/null
a
~ busybox: no such applet

$ printf 'a\nb\n' | comm - /dev/null
a
b
~ busybox: no such applet

$ comm f
? 1
~ busybox: no such applet

$ comm missing /dev/null
? 1
~ busybox: no such applet
