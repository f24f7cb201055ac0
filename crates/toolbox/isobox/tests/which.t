$ which sh | sed 's,.*/,,'
sh

$ which nosuchprogram
? 1

$ which /bin/sh
/bin/sh

$ PATH=/nonexistent /usr/bin/which sh
? 1

$ which sh nosuchprogram | wc -l
1

$ mkdir d; printf '' >d/x; chmod 755 d/x; PATH=$PWD/d:$PATH; which x | sed 's,.*/d/,d/,'
d/x

$ mkdir d; printf '' >d/x; PATH=$PWD/d:$PATH; which x
? 1

$ which ./nosuch
? 1
