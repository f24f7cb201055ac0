$ printf '1 a\n2 b\n' >f; printf '1 x\n2 y\n' >g; join f g
1 a x
2 b y
~ busybox: no such applet

$ printf '1 a\n2 b\n' >f; printf '2 y\n3 z\n' >g; join f g
2 b y
~ busybox: no such applet

$ printf '1 a\n2 b\n' >f; printf '2 y\n3 z\n' >g; join -a 1 f g
1 a
2 b y
~ busybox: no such applet

$ printf '1 a\n2 b\n' >f; printf '2 y\n3 z\n' >g; join -v 1 f g
1 a
~ busybox: no such applet

$ printf '1 a\n2 b\n' >f; printf '2 y\n3 z\n' >g; join -a 1 -a 2 -e - -o 0,1.2,2.2 f g
1 a -
2 b y
3 - z
~ busybox: no such applet

$ printf 'a:1\nb:2\n' >f; printf 'a:x\nb:y\n' >g; join -t : f g
a:1:x
b:2:y
~ busybox: no such applet

$ printf 'a 1\nb 2\n' >f; printf '1 x\n2 y\n' >g; join -1 2 -2 1 f g
1 a x
2 b y
~ busybox: no such applet

$ printf 'A 1\n' >f; printf 'a 2\n' >g; join -i f g
A 1 2
~ busybox: no such applet

$ printf '1 a\n1 b\n' >f; printf '1 x\n1 y\n' >g; join f g
1 a x
1 a y
1 b x
1 b y
~ busybox: no such applet

$ printf 'k v\n1 a\n' >f; printf 'k w\n1 x\n' >g; join --header f g
k v w
1 a x
~ busybox: no such applet

$ join f
? 1
~ busybox: no such applet
