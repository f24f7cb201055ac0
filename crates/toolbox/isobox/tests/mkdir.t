$ mkdir a; ls
a

$ mkdir a/b
? 1

$ mkdir -p a/b/c; ls a/b
c

$ mkdir a; mkdir a
? 1

$ mkdir -p a; mkdir -p a

$ mkdir -m 700 a; stat -c %a a
700

$ mkdir -m u=rwx,go= a; stat -c %a a
700

$ mkdir a b c; ls
a
b
c

$ mkdir
? 1

$ echo >f; mkdir -p f
? 1

$ echo >f; mkdir -p f/x
? 1

$ umask 077; mkdir -p a/b; stat -c %a a a/b
700
700

$ mkdir -p -m 700 a/b; stat -c %a a/b
700

$ mkdir --parents --mode=750 a/b; stat -c %a a/b
750
