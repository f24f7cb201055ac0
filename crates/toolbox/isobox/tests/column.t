$ printf 'a bb\nccc d\n' | column -t
a    bb
ccc  d
~ busybox: no such applet

$ printf 'a:bb\nccc:d\n' | column -t -s :
a    bb
ccc  d
~ busybox: no such applet

$ printf 'a bb\nccc d\n' | column -t -o '|'
a  |bb
ccc|d
~ busybox: no such applet

$ seq 6 | column -c 20
1	4
2	5
3	6
~ busybox: no such applet

$ seq 6 | column -x -c 20
1	2
3	4
5	6
~ busybox: no such applet

$ printf '' | column
~ busybox: no such applet

$ printf 'a\n' | column
a
~ busybox: no such applet

$ printf 'a  b\n' | column -t
a  b
~ busybox: no such applet
