# a file and standard input
$ echo a | gzip >f.gz; zcat f.gz; zcat <f.gz; ls
a
a
f.gz

# several files
$ echo a | gzip >f.gz; echo b | gzip >g.gz; zcat f.gz g.gz
a
b

# bzip2 and xz, too
$ echo a | bzip2 >f.bz2; echo b | xz >g.xz; zcat f.bz2 g.xz
a
b
~ gnu: gzip only
~ busybox: has no xz to make one

# a damaged file
$ echo hello >f.gz; zcat f.gz 2>/dev/null
? 1

# by force what is not compressed
$ echo hello >f; zcat -f f
hello
~ busybox: no -f

# no permission to remove is needed
$ echo a | gzip >f.gz; zcat f.gz >/dev/null; ls
f.gz

# empty input is no archive
$ zcat </dev/null 2>/dev/null
? 1

# a large file
$ seq 300000 | gzip >f.gz; zcat f.gz | tail -n 1
300000
