# compresses and removes
$ echo x >f; gzip f; ls; gzip -dc f.gz
f.gz
x

# decompresses and removes
$ echo x >f; gzip f; gzip -d f.gz; ls; cat f
f
x

# a filter
$ seq 10000 | gzip | gzip -d | cksum | cut -d ' ' -f 2
48894

# -c keeps the file
$ echo x >f; gzip -c f >g; ls; gzip -dc <g
f
g
x

# -k keeps the file
$ echo x >f; gzip -k f; gzip -dkf f.gz; ls
f
f.gz

# levels
$ seq 20000 >f; for l in 1 2 3 4 5 6 7 8 9; do gzip -${l}c f | gzip -d | cmp - f || exit 1; done

# time and permissions stay
$ echo x >f; chmod 640 f; touch -d '2001-02-03 00:00:00' f; gzip f; stat -c '%a %Y' f.gz; gzip -d f.gz; stat -c '%a %Y' f
640 981158400
640 981158400
~ busybox: the time does not

# what is there is not replaced
$ echo x >f; echo y >f.gz; gzip f </dev/null 2>/dev/null; echo $?; cat f f.gz
1
x
y
~ gnu: fails with 2

# -f replaces
$ echo x >f; echo y >f.gz; gzip -f f; gzip -dc f.gz
x

# -t tests
$ seq 1000 | gzip >f.gz; gzip -t f.gz; echo $?; head -c 100 f.gz >g.gz; gzip -t g.gz 2>/dev/null; echo $?
0
1

# a file that is not compressed
$ echo hello world >f.gz; gzip -dc f.gz 2>/dev/null
? 1

# a file that has the suffix already
$ echo x >f.gz; gzip f.gz 2>/dev/null; echo $?; ls
1
f.gz
~ busybox: compresses it again
~ gnu: fails with 2

# a directory
$ mkdir d; gzip d 2>/dev/null
? 1
~ busybox: another status
~ gnu: fails with 2

# -r goes into directories
$ mkdir -p d/e; echo x >d/f; echo y >d/e/g; gzip -r d; find d -type f | sort
d/e/g.gz
d/f.gz
~ busybox: none

# -S gives another suffix
$ echo x >f; gzip -S .zz f; ls; gzip -d -S .zz f.zz; cat f
f.zz
x
~ busybox: none

# -N restores the name
$ echo x >f; gzip f; mv f.gz g.gz; gzip -dN g.gz; ls
f
~ busybox: none

# -n neither remembers name nor time
$ echo x >f; gzip -nc f | od -An -tx1 -N 10
 1f 8b 08 00 00 00 00 00 00 03
~ busybox: the level is told in another way

# -l lists
$ seq 1000 >f; gzip -k f; gzip -l f.gz | awk '{ print $2, $4 }'
uncompressed uncompressed_name
3893 f
~ busybox: none

# -v says how much was saved
$ seq 1000 >f; gzip -v f 2>&1 | sed 's/[0-9.]*%/N%/'
f: N% - replaced with f.gz
~ gnu: in other words

# several files, one of which is not there
$ echo x >f; echo y >g; gzip f nope g 2>/dev/null; echo $?; ls
1
f.gz
g.gz

# a link is not followed
$ echo x >f; ln -s f s; gzip s 2>/dev/null; echo $?; ls
1
f
s
~ busybox: is
~ gnu: says so with 2

# -dcf copies what is not compressed
$ echo hello | gzip -dcf
hello
~ busybox: in no applet but zcat

# empty input
$ gzip </dev/null | gzip -d | wc -c
0
