$ basename /a/b/c
c

$ basename /a/b/c/ 
c

$ basename a/b.c .c
b

$ basename .c .c
.c

$ basename //
/

$ basename -a a/b c/d
b
d
~ busybox: has no -a in 1.35

$ basename -s .c a/b.c c/d.c
b
d
~ busybox: has no -s in 1.35

$ basename
? 1

$ basename ''
|
