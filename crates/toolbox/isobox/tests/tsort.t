$ printf 'a b\nb c\n' | tsort
a
b
c
~ busybox: no such applet

$ printf 'a a\n' | tsort
a
~ busybox: no such applet

$ printf 'a b b c c d\n' | tsort
a
b
c
d
~ busybox: no such applet

$ printf 'a b\nb a\n' | tsort >/dev/null
? 1
~ busybox: no such applet

$ printf 'a\n' | tsort
? 1
~ busybox: no such applet

$ printf '' | tsort
~ busybox: no such applet

$ printf 'a c\nb c\n' | tsort
a
b
c
~ busybox: no such applet

$ tsort missing
? 1
~ busybox: no such applet
