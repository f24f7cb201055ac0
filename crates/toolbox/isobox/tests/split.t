$ seq 5 | split -l 2; head x*
==> xaa <==
1
2
|
==> xab <==
3
4
|
==> xac <==
5
~ busybox: no such applet

$ printf abcdef | split -b 2; head -v x*
==> xaa <==
ab
==> xab <==
cd
==> xac <==
ef
\
~ busybox: no such applet

$ seq 5 | split -l 2 - p; ls
paa
pab
pac
~ busybox: no such applet

$ seq 5 | split -l 2 -d; ls
x00
x01
x02
~ busybox: no such applet

$ seq 5 | split -l 2 -a 3; ls
xaaa
xaab
xaac
~ busybox: no such applet

$ printf abcdef >f; split -n 3 f; cat xab
cd
\
~ busybox: no such applet

$ seq 5 | split -l 2 --additional-suffix=.t; ls
xaa.t
xab.t
xac.t
~ busybox: no such applet

$ printf 'aa\nbb\ncc\n' | split -C 7; cat xaa
aa
bb
~ busybox: no such applet

$ printf '' | split; ls
~ busybox: no such applet

$ seq 5 >f; split -n l/2 f; cat xaa
1
2
3
~ busybox: no such applet

$ seq 5 >f; split -n r/2 f; cat xaa
1
3
5
~ busybox: no such applet

$ seq 5 >f; split -n 2/2 f
|
4
5
~ busybox: no such applet

$ split missing
? 1
~ busybox: no such applet

$ seq 1000 | split -l 1 -a 1; echo $?
1
~ busybox: no such applet
