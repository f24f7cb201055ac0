$ ln -s x l; readlink l
x

$ readlink missing
? 1

$ echo >f; readlink f
? 1

$ ln -s x l; readlink -n l
x
\

$ echo >f; ln -s f l; readlink -f l | sed 's,.*/,,'
f

$ readlink -f missing | sed 's,.*/,,'
missing
~ busybox: prints otherwise

$ readlink -f missing/x
? 1

$ mkdir d; ln -s d l; readlink -f l/x | sed 's,.*/d/,d/,'
d/x

$ readlink -e missing
? 1

$ readlink -m a/b/c | sed 's,.*/a/,a/,'
a/b/c
~ busybox: says: invalid option -- 'm'

$ ln -s l l; readlink -f l
? 1

$ readlink
? 1
