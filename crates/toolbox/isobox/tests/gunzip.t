# members in a row
$ echo a | gzip >f.gz; echo b | gzip >>f.gz; gunzip -c f.gz
a
b

# zeros at the end are nothing
$ echo a | gzip >f.gz; head -c 1000 /dev/zero >>f.gz; gunzip -c f.gz
a

# garbage at the end is said, and ignored
$ echo a | gzip >f.gz; echo garbage >>f.gz; gunzip -c f.gz 2>err; cat err
a
gunzip: f.gz: decompression OK, trailing garbage ignored
? 0
~ busybox: says nothing
~ gnu: calls itself gzip

# a truncated file leaves nothing behind
$ seq 10000 | gzip | head -c 5000 >f.gz; gunzip f.gz 2>/dev/null; echo $?; ls
1
f.gz

# a damaged file leaves nothing behind
$ seq 10000 | gzip >f.gz; printf 'XXXX' | dd of=f.gz bs=1 seek=5000 conv=notrunc 2>/dev/null; gunzip f.gz 2>/dev/null; echo $?; ls
1
f.gz

# an unknown suffix
$ echo a | gzip >f.foo; gunzip f.foo 2>/dev/null; echo $?; ls
1
f.foo
~ gnu: fails with 2

# .tgz becomes .tar
$ echo a | gzip >f.tgz; gunzip f.tgz; ls
f.tar

# the names of gzip
$ echo a | gzip >f-gz; cp f-gz g.gz; gunzip f-gz g.gz; ls
f
g
~ busybox: does not know -gz

# a name and a comment in the header
$ printf '\037\213\010\030\000\000\000\000\000\003name\000comment\000\113\344\002\000\007\241\352\335\002\000\000\000' | gunzip
a

# what is not there
$ gunzip nope.gz 2>/dev/null
? 1

# -t
$ echo a | gzip >f.gz; gunzip -t f.gz; ls
f.gz
