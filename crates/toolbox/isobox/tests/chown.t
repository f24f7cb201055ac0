% root
$ echo >f; chown 1 f; stat -c %u f
1

% root
$ echo >f; chown 1:2 f; stat -c %u:%g f
1:2

% root
$ echo >f; chown :2 f; stat -c %u:%g f
0:2

% root
$ echo >f; chown daemon f; stat -c %U f
daemon

% root
$ echo >f; chown daemon: f; stat -c %u:%g f
1:1

% root
$ mkdir d; echo >d/f; chown -R 3 d; stat -c %u d d/f
3
3

% root
$ echo >f; ln -s f l; chown -h 4 l; stat -c %u f l
0
4

% root
$ echo >f; chown nosuchuser f
? 1

% root
$ chown 1 missing
? 1

% root
$ chown 1
? 1

% root
$ mkdir d; ln -s /etc d/l; chown -R 3 d; stat -c %u /etc
0

% root
$ echo >f; chown 1.2 f; stat -c %u:%g f
1:2
