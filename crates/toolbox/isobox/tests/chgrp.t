% root
$ echo >f; chgrp 1 f; stat -c %g f
1

% root
$ echo >f; chgrp daemon f; stat -c %G f
daemon

% root
$ mkdir d; echo >d/f; chgrp -R 3 d; stat -c %g d d/f
3
3

% root
$ echo >f; chgrp nosuchgroup f
? 1

% root
$ chgrp 1 missing
? 1

% root
$ chgrp 1
? 1

% root
$ echo >f; ln -s f l; chgrp -h 4 l; stat -c %g f l
0
4

% root
$ echo >f; echo >g; chgrp 5 g; chgrp --reference=g f; stat -c %g f
5
~ busybox: says: unrecognized option '--reference=g'
