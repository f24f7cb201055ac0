$ seq 6 | csplit - 3; cat xx01
4
8
3
4
5
6
~ busybox: no such applet

$ seq 6 | csplit -s - /3/; cat xx00
1
2
~ busybox: no such applet

$ seq 6 | csplit - /2/ /4/; ls
2
4
6
xx00
xx01
xx02
~ busybox: no such applet

$ seq 6 | csplit - %3%; cat xx00
8
3
4
5
6
~ busybox: no such applet

$ seq 6 | csplit -f p - 3; ls
4
8
p00
p01
~ busybox: no such applet

$ seq 9 | csplit - 3 '{1}'; ls
4
6
8
xx00
xx01
xx02
~ busybox: no such applet

$ seq 6 | csplit -z - /1/ '{*}'; ls
12
xx00
~ busybox: no such applet

$ seq 6 | csplit - /9/; ls
12
~ busybox: no such applet

$ seq 6 | csplit -k - /9/; ls
12
xx00
~ busybox: no such applet

$ seq 6 | csplit - /3/+1; cat xx00
6
6
1
2
3
~ busybox: no such applet

$ seq 6 | csplit -n 3 - 3; ls
4
8
xx000
xx001
~ busybox: no such applet

$ seq 6 | csplit --suppress-matched - /3/; cat xx01
4
6
4
5
6
~ busybox: no such applet
