# compresses and removes
$ echo x >f; bzip2 f; ls; bzip2 -dc f.bz2
f.bz2
x

# a filter
$ seq 10000 | bzip2 | bzip2 -d | cksum | cut -d ' ' -f 2
48894

# decompresses and removes
$ echo x >f; bzip2 f; bzip2 -d f.bz2; ls; cat f
f
x

# -k keeps
$ echo x >f; bzip2 -k f; ls; rm f; bzip2 -dk f.bz2; ls
f
f.bz2
f
f.bz2

# -c
$ echo x >f; bzip2 -c f >g; ls; bzip2 -dc <g
f
g
x

# -t
$ seq 1000 | bzip2 >f.bz2; bzip2 -t f.bz2; echo $?; head -c 100 f.bz2 >g.bz2; bzip2 -t g.bz2 2>/dev/null; echo $?
0
1
~ gnu: fails with 2

# -1 and -9
$ seq 1000 | bzip2 -1 | bzip2 -d | tail -n 1; seq 1000 | bzip2 -9 | bzip2 -d | tail -n 1
1000
1000

# what is there is not replaced but by force
$ echo x >f; echo y >f.bz2; bzip2 f </dev/null 2>/dev/null; echo $?; bzip2 -f f; bzip2 -dc f.bz2
1
x

# empty input
$ bzip2 </dev/null | bzip2 -d | wc -c
0

# time and permissions stay
$ echo x >f; chmod 640 f; touch -d '2001-02-03 00:00:00' f; bzip2 f; stat -c '%a %Y' f.bz2; bzip2 -d f.bz2; stat -c '%a %Y' f
640 981158400
640 981158400
~ busybox: the time does not
