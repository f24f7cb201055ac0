$ realpath / 
/

$ realpath /usr/../usr/./bin/..
/usr

$ realpath -m /a/b/../c
/a/c
~ busybox: says: -m: No such file or directory

$ realpath -e missing
? 1

$ mkdir d; realpath d/.. >f; pwd -P | cmp - f

$ realpath --relative-to=/usr /usr/lib /etc
lib
../etc
~ busybox: says: --relative-to=/usr: No such file or directory

$ ln -s /usr l; realpath l
/usr

$ ln -s /usr l; realpath -s l | sed 's,.*/,,'
l
~ busybox: says: -s: No such file or directory

$ realpath -q -e missing
? 1

$ realpath -z / | tr '\0' '\n'
/

$ realpath
? 1
