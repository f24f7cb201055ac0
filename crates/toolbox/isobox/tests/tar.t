# makes and lists
$ mkdir d; echo x >d/f; tar cf a.tar d; tar tf a.tar
d/
d/f

# unpacks
$ mkdir d o; echo x >d/f; tar cf a.tar d; tar xf a.tar -C o; cat o/d/f
x

# old and new options mean the same
$ echo x >f; tar -c -f a.tar f; tar --list --file=a.tar; tar tf a.tar
f
f

# standard output and input
$ echo x >f; tar cf - f | tar tf -
f

# without -f standard output and input
$ echo x >f; tar c f | tar t
f

# names of files in verbose mode
$ mkdir d; echo x >d/f; tar cvf a.tar d; tar xvf a.tar
d/
d/f
d/
d/f

# names go to standard error when the archive goes to standard output
$ echo x >f; tar cvf - f 2>names >a.tar; cat names; tar tf a.tar
f
f

# all about members
$ echo hello >f; chmod 640 f; touch -d '2020-02-03 04:05:06' f; tar cf a.tar f; tar tvf a.tar
-rw-r----- root/root         6 2020-02-03 04:05:06 f
% root
~ gnu: no seconds

# links are shown with their targets
$ echo x >f; ln -s f s; ln f h; touch -h -d '2020-02-03 04:05:06' f s h; tar cf a.tar f h s; tar tvf a.tar | sed 's/.*:06 //'
f
h -> f
s -> f
~ gnu: says link to

# hard links stay one file
$ echo x >f; ln f g; tar cf a.tar f g; rm f g; tar xf a.tar; stat -c '%h %n' f g
2 f
2 g

# the same file twice, and its other name
$ echo x >f; ln f g; tar cf a.tar f g f; rm f g; tar xf a.tar; stat -c %h f
2

# symbolic links stay links
$ ln -s to/nowhere s; tar cf a.tar s; rm s; tar xf a.tar; readlink s
to/nowhere

# permissions of directories are set after their files are made
$ mkdir d; echo x >d/f; chmod 500 d; tar cf a.tar d; chmod 700 d; rm -r d; tar xf a.tar; stat -c %a d; cat d/f
500
x

# times of files and directories
$ mkdir d; echo x >d/f; touch -d '2001-02-03 04:05:06' d/f d; tar cf a.tar d; rm -r d; tar xf a.tar; stat -c %Y d d/f
981173106
981173106
~ busybox: not those of directories

# -m leaves the times
$ echo x >f; touch -d '2001-02-03 00:00:00' f; tar cf a.tar f; rm f; tar xmf a.tar; [ "$(stat -c %Y f)" -gt 1600000000 ] && echo new
new

# -p keeps permissions that the umask would take
$ echo x >f; chmod 666 f; tar cf a.tar f; rm f; umask 077; tar xpf a.tar; stat -c %a f
666

# special bits as root
$ echo x >f; chmod 4755 f; tar cf a.tar f; rm f; tar xf a.tar; stat -c %a f
4755
% root

# the umask holds where permissions are not kept
$ echo x >f; chmod 4777 f; tar cf a.tar f; rm f; umask 027; tar x --no-same-permissions -f a.tar; stat -c %a f
750
~ busybox: keeps special bits

# -O writes to standard output
$ echo one >f; echo two >g; tar cf a.tar f g; tar xOf a.tar; tar xOf a.tar g
one
two
two

# chosen members, directories with all below
$ mkdir -p d/e x; echo 1 >d/e/f; echo 2 >d/g; echo 3 >x/h; tar cf a.tar d x; rm -r d x; tar xf a.tar d/e x/h; find d x | sort
d
d/e
d/e/f
x
x/h

# a member that is not there
$ echo x >f; tar cf a.tar f; tar xf a.tar f nope 2>/dev/null
? 1
~ gnu: fails with 2

# several directories
$ mkdir a b; echo 1 >a/f; echo 2 >b/g; tar cf t.tar -C a f -C ../b g; tar tf t.tar
f
g
~ busybox: takes one -C

# --exclude leaves out files and directories
$ mkdir -p d/no; echo x >d/f; echo x >d/no/g; echo x >d/h.o; tar cf a.tar --exclude 'd/no' --exclude '*.o' d; tar tf a.tar
d/
d/f
~ busybox: no --exclude in 1.35 of Debian

# --exclude when unpacking
$ mkdir d; echo x >d/f; echo x >d/g; tar cf a.tar d; rm -r d; tar xf a.tar --exclude d/g; ls d
f
~ busybox: no --exclude in 1.35 of Debian

# --exclude matches parts of paths
$ mkdir -p d/e; echo x >d/e/core; echo x >d/score; tar cf a.tar --exclude core d; tar tf a.tar
d/
d/e/
d/score
~ busybox: matches whole paths only
~ gnu: another order

# -X reads patterns
$ mkdir d; echo x >d/f; echo x >d/g; echo d/g >ex; tar cf a.tar -X ex d; tar tf a.tar
d/
d/f
~ busybox: no -X in 1.35 of Debian

# -T reads names
$ echo x >f; echo y >g; printf 'f\ng\n' >list; tar cf a.tar -T list; tar tf a.tar
f
g
~ busybox: no -T in 1.35 of Debian

# --null: names end in a NUL
$ n=$(printf 'g\nh'); echo x >f; echo y >"$n"; printf 'f\0g\nh\0' >list; tar cf a.tar --null -T list; tar tf a.tar | wc -l; rm "$n"; tar xf a.tar; cat "$n"
3
y
~ busybox: no --null
~ gnu: quotes the newline

# --strip-components
$ mkdir -p a/b/c; echo x >a/b/c/f; echo y >a/g; tar cf t.tar a; mkdir o; tar xf t.tar --strip-components=2 -C o; find o | sort
o
o/c
o/c/f

# --strip-components changes targets of hard links, too
$ mkdir a; echo x >a/f; ln a/f a/g; tar cf t.tar a; mkdir o; tar xf t.tar --strip-components 1 -C o; stat -c %h o/f o/g
2
2

# -k keeps files that are there
$ echo old >f; tar cf a.tar f; echo new >f; tar xkf a.tar 2>/dev/null; echo $?; cat f
1
new
~ gnu: fails with 2

# --skip-old-files says nothing
$ echo old >f; tar cf a.tar f; echo new >f; tar x --skip-old-files -f a.tar; echo $?; cat f
0
new
~ busybox: not there

# --overwrite writes into the file
$ echo old >f; tar cf a.tar f; echo other >f; ln f g; tar x --overwrite -f a.tar; cat g
old

# without it the file is replaced
$ echo old >f; tar cf a.tar f; echo other >f; ln f g; tar xf a.tar; cat f g
old
other

# a file takes the place of a link, and does not go through it
$ echo x >f; tar cf a.tar f; rm f; echo keep >g; ln -s g f; tar xf a.tar; cat f g
x
keep

# a link to a directory that is there stands for it
$ mkdir lib; echo x >lib/f; tar cf a.tar lib; rm -r lib; mkdir real; ln -s real lib; tar xf a.tar; readlink lib; cat real/f
real
x
~ gnu: replaces the link

# leading slashes are removed
$ mkdir d; echo x >d/f; tar cf a.tar "$PWD/d/f" 2>err; tar tf a.tar | grep -c '^/'; grep -c 'emoving leading' err
0
1
? 0

# -P keeps them
$ echo x >f; tar cPf a.tar "$PWD/f"; tar tPf a.tar | grep -c '^/'
1
~ busybox: no -P

# a name with .. does not get out
$ mkdir d; echo evil >f; (cd d && tar cPf ../a.tar ../f); rm f; mkdir -p o/p; cd o/p; tar xf ../../a.tar 2>/dev/null; echo $?; ls ..
1
p
~ gnu: fails with 2
~ busybox: removes the prefix

# no member is written through a link of the archive
$ mkdir out in; ln -s ../out x; tar cf a.tar x; rm x; mkdir x; echo evil >x/f; tar rf a.tar x/f; rm -r x; cd in; tar xf ../a.tar 2>/dev/null; ls ../out
~ busybox: cannot append

# gzip, bzip2, xz
$ echo x >f; tar czf a.gz f; tar cjf a.bz2 f; tar cJf a.xz f; for a in a.gz a.bz2 a.xz; do tar tf $a; done; gzip -t a.gz; bzip2 -t a.bz2; xz -t a.xz
f
f
f
~ busybox: makes no bzip2 or xz archives

# zstd and lzma
$ echo x >f; tar c --zstd -f a.zst f; tar c --lzma -f a.lzma f; tar tf a.zst; tar tf a.lzma
f
f
~ busybox: no zstd

# -a by name
$ echo x >f; tar caf a.tar.gz f; tar caf a.txz f; gzip -t a.tar.gz; xz -t <a.txz; tar tf a.txz
f
~ busybox: makes no xz archives

# compressed standard input is detected
$ echo x >f; tar czf - f | tar tf -
f
~ gnu: only files are looked at
~ busybox: only files are looked at

# a damaged compressed archive
$ seq 20000 >f; tar czf a.gz f; head -c 5000 a.gz >b.gz; tar xOf b.gz >out 2>/dev/null
? 1
~ gnu: fails with 2

# a wrong checksum at the end of compressed data
$ echo x >f; tar czf a.gz f; n=$(stat -c %s a.gz); printf 'abcdefgh' | dd of=a.gz bs=1 seek=$((n - 8)) conv=notrunc 2>/dev/null; tar tf a.gz >/dev/null 2>&1
? 1
~ gnu: fails with 2
~ busybox: does not look

# a truncated archive
$ seq 2000 >f; tar cf a.tar f; head -c 3000 a.tar >b.tar; tar tf b.tar 2>/dev/null
f
? 1
~ gnu: fails with 2
~ busybox: lists what there is and is content

# what is no archive
$ seq 2000 >f; tar tf f 2>/dev/null
? 1
~ gnu: fails with 2

# an archive that is not there
$ tar tf nope
? 1
! tar: nope: No such file or directory
~ gnu: fails with 2

# a file that is not there
$ echo x >f; tar cf a.tar nope f 2>/dev/null; echo $?; tar tf a.tar
1
f
~ gnu: fails with 2

# long names
$ n=$(printf '%0120d' 0); mkdir $n; echo x >$n/$n; tar cf a.tar $n; tar tf a.tar | wc -c; rm -r $n; tar xf a.tar; cat $n/$n
364
x

# long links
$ n=$(printf '%0150d' 0); ln -s $n s; tar cf a.tar s; rm s; tar xf a.tar; readlink s | wc -c
151

# every format
$ echo x >f; ln -s f s; for t in gnu pax ustar v7; do tar cf a.tar --format=$t f s; tar tf a.tar; done
f
s
f
s
f
s
f
s
~ busybox: no --format

# ustar says what it cannot hold
$ n=$(printf '%0101d' 0); echo x >$n; tar cf a.tar --format=ustar $n 2>/dev/null
? 1
~ busybox: no --format
~ gnu: fails with 2

# pax keeps parts of seconds
$ echo x >f; touch -d '2001-02-03 04:05:06.123456789' f; tar cf a.tar --format=pax f; rm f; tar xf a.tar; stat -c %y f
2001-02-03 04:05:06.123456789 +0000
~ busybox: no --format

# extended attributes
$ echo x >f; setfattr -n user.a -v hello f || exit 1; tar c --xattrs -f a.tar f; rm f; tar x --xattrs -f a.tar; getfattr --only-values -n user.a f
hello
\
~ busybox: none
~ gnu: this machine may lack setfattr

# sparse files
$ truncate -s 3M f; echo end >>f; for t in gnu pax; do tar cSf a.tar --format=$t f; [ $(stat -c %s a.tar) -lt 100000 ] && echo small; mkdir o; tar xf a.tar -C o; cmp f o/f; [ $(stat -c %b o/f) -lt 1000 ] && echo sparse; rm -r o; done
small
sparse
small
sparse
~ busybox: none

# a sparse file to standard output has its holes
$ truncate -s 1M f; echo end >>f; tar cSf a.tar f; tar xOf a.tar | cmp - f
~ busybox: none

# pipes and devices
$ mkfifo p; mknod c c 1 3; tar cf a.tar p c; rm p c; tar xf a.tar; stat -c '%F %t %T' p c
fifo 0 0
character special file 1 3
% root

# owners by name, or by number
$ echo x >f; tar cf a.tar --owner=daemon:7 --group=nobody:8 f; tar tvf a.tar | cut -d ' ' -f 2; tar tvf a.tar --numeric-owner | cut -d ' ' -f 2
daemon/nobody
7/8
~ busybox: no --owner

# names decide when unpacking as root
$ echo x >f; tar cf a.tar --owner=daemon:7777 --group=daemon:7777 f; rm f; tar xf a.tar; stat -c %U f; tar x --numeric-owner -f a.tar; stat -c %u f; tar xof a.tar; stat -c %u f
daemon
7777
0
% root
~ busybox: no --owner

# --mode and --mtime
$ echo x >f; tar cf a.tar --mode=u=rwx,go= --mtime='2001-02-03 04:05:06' f; tar tvf a.tar | sed 's/ [^ ]*  *2 / /'
-rwx------ 2001-02-03 04:05:06 f
~ busybox: no --mode
~ gnu: no seconds

# the same files make the same archive
$ mkdir d; echo 1 >d/b; echo 2 >d/a; tar cf - --sort=name --owner=0 --group=0 --mtime=@0 d | sha256sum >s; sleep 0.01; touch d/a; tar cf - --sort=name --owner=0 --group=0 --mtime=@0 d | sha256sum | cmp - s
~ busybox: no --sort

# -r appends, the last one wins
$ echo 1 >f; echo 2 >g; tar cf a.tar f; tar rf a.tar g; echo 3 >f; tar rf a.tar f; tar tf a.tar; rm f; tar xf a.tar; cat f
f
g
f
3
~ busybox: no -r

# -u appends what is newer
$ echo 1 >f; echo 2 >g; touch -d '2001-02-03 00:00:00' f g; tar cf a.tar f g; touch g; tar uf a.tar f g; tar tf a.tar
f
g
g
~ busybox: no -u

# archives in a row
$ echo 1 >f; echo 2 >g; tar cf a.tar f; tar cf b.tar g; cat a.tar b.tar >c.tar; tar tf c.tar; echo -; tar tif c.tar
f
-
f
g
~ busybox: always goes on

# -h stores what links point to
$ echo x >f; ln -s f s; tar chf a.tar s; rm s; tar xf a.tar; test -L s || cat s
x

# a link that leads back up does not go on for ever
$ mkdir d; ln -s . d/loop; tar chf a.tar d 2>/dev/null; tar tf a.tar | head -n 1
d/
~ busybox: goes on for long

# --no-recursion
$ mkdir d; echo x >d/f; tar cf a.tar --no-recursion d; tar tf a.tar
d/

# the archive is not in itself
$ echo x >f; tar cf a.tar . 2>/dev/null; tar tf a.tar | sort
./
./f
~ gnu: fails with 1

# wildcards when listing
$ echo 1 >a.c; echo 2 >b.h; tar cf t.tar a.c b.h; tar tf t.tar --wildcards '*.c'
a.c
~ busybox: no --wildcards, patterns always are

# --transform
$ mkdir d; echo x >d/f; tar cf a.tar --transform 's,^d,e,' d; tar tf a.tar; rm -r d; tar xf a.tar --transform='s/^e/g/'; cat g/f
e/
e/f
x
~ busybox: none

# records are filled
$ echo x >f; tar cf a.tar f; tar cbf 1 b.tar f; stat -c %s a.tar b.tar
10240
2048
~ busybox: does not fill them

# nothing to do
$ tar f a.tar 2>/dev/null
? 1
~ gnu: fails with 2

# no files
$ tar cf a.tar 2>/dev/null
? 1
~ gnu: fails with 2

# two things to do
$ tar cxf a.tar f 2>/dev/null
? 1
~ gnu: fails with 2

# an option that is not known
$ tar --frobnicate cf a.tar f 2>/dev/null
? 1
~ gnu: fails with 64 or 2

# an empty directory
$ mkdir d; tar cf a.tar d; rmdir d; tar xf a.tar; ls -d d
d

# an empty file
$ : >f; tar cf a.tar f; rm f; tar xf a.tar; wc -c <f
0

# a name that is not UTF-8
$ n=$(printf 'x\377y'); echo a >"$n"; tar cf a.tar "$n"; rm "$n"; tar xf a.tar; cat "$n"
a

# a file takes the place of an empty directory, not of a full one
$ echo x >f; tar cf a.tar f; rm f; mkdir f; tar xf a.tar; cat f; rm f; mkdir -p f/g; tar xf a.tar 2>/dev/null; echo $?
x
1
~ busybox: never
~ gnu: fails with 2

# unpacking goes on after a file that cannot be made
$ echo 1 >f; echo 2 >g; tar cf a.tar f g; rm f g; mkdir -p f/x; tar xf a.tar 2>/dev/null; echo $?; cat g
1
2
~ busybox: stops
~ gnu: fails with 2
