$ touch a b c; ls
a
b
c

$ touch b a .h; ls -a
.
..
.h
a
b

$ touch b a .h; ls -A
.h
a
b

$ mkdir d; touch d/x; ls d
x

$ mkdir d; touch d/x; ls -d d
d

$ touch a b; ls -r
b
a

$ touch a b; ls missing a
a
? 1
~ gnu: says: cannot access 'missing': No such file or directory

$ printf abc >a; printf a >b; ls -S
a
b

$ touch -d @5 a; touch -d @9 b; ls -t
b
a

$ touch -d @5 a; touch -d @9 b; ls -tr
a
b

$ mkdir d; touch f; ln -s f l; ls -F
d/
f
l@

$ mkdir d; touch f; ls -p
d/
f

$ mkdir -p a/b; touch a/b/c a/d; ls -R
.:
a
|
./a:
b
d
|
./a/b:
c

$ touch a.c b.a; ls -X
b.a
a.c

$ touch a10 a9; ls -v
a9
a10

$ touch a b c d e f; ls -C -w 20
a  b  c  d  e  f

$ touch a b c d e f; ls -x -w 20
a  b  c  d  e  f

$ touch a b c; ls -m
a, b, c
~ busybox: says: invalid option -- 'm'

$ printf abc >f; chmod 644 f; touch -d '2020-01-02 03:04' f; ls -l f
-rw-r--r--    1 root     root             3 Jan  2  2020 f
~ gnu: prints otherwise

$ printf abc >f; chmod 644 f; touch -d '2020-01-02 03:04' f; ls -n f
-rw-r--r--    1 0        0                3 Jan  2  2020 f
~ gnu: prints otherwise

$ ln -s x l; ls -l l | sed 's/.* l ->/l ->/'
l -> x

$ mkdir d; touch f; ls --group-directories-first
d
f

$ printf abc >f; touch -d '2020-01-02 03:04:05.5' f; ls -l --full-time f | cut -d ' ' -f 6-
root     root             3 2020-01-02 03:04:05.500000000 +0000 f
~ busybox: says: touch: invalid date '2020-01-02 03:04:05.5'
~ gnu: prints otherwise

$ mkdir a b; touch a/x b/y; ls a b
a:
x
|
b:
y

$ touch a; mkdir d; touch d/x; ls d a
a
|
d:
x

$ mkdir e; ls e

$ touch 'a b'; ls -Q
"a b"

$ touch 'a
$ b'; ls -b
a\nb
~ busybox: says: invalid option -- 'b'

$ touch a b; ls -1
a
b

$ truncate -s 2000 f; chmod 644 f; touch -d 2020-01-02 f; ls -lh f
-rw-r--r--    1 root     root        2.0K Jan  2  2020 f
~ gnu: prints otherwise

$ mkdir d; ls -ld d | cut -c 1
d

$ touch a b~; ls -B
a
~ busybox: says: invalid option -- 'B'

$ touch x; ls -i x | sed 's/[0-9][0-9]*/N/'
N x

$ ls --nonsense
? 1
~ gnu: says: unrecognized option '--nonsense'

$ touch -d @5 a; touch -a -d @90 a; touch -d @50 b; ls -tu
a
b

$ mkdir d; ln -s d l; touch d/x; ls l
x
