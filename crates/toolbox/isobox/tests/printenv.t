$ A=1 printenv A
1
~ busybox: no such applet

$ printenv NOSUCH
? 1
~ busybox: no such applet

$ A=1 B=2 printenv A B
1
2
~ busybox: no such applet

$ A=1 printenv -0 A | tr '\0' '\n'
1
~ busybox: no such applet

$ env -i A=1 printenv
A=1
~ busybox: no such applet

$ A= printenv A
|
~ busybox: no such applet

$ A=1 printenv A NOSUCH
1
? 1
~ busybox: no such applet

$ PATH=x:$PATH A='a b' printenv A
a b
~ busybox: no such applet
