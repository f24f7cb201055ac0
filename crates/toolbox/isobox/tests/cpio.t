# makes and lists
$ mkdir d; echo x >d/f; find d | sort | cpio -o -H newc 2>/dev/null >a; cpio -t <a 2>/dev/null
d
d/f

# unpacks
$ mkdir d o; echo x >d/f; find d | cpio -o -H newc 2>/dev/null >a; cd o; cpio -id <../a 2>/dev/null; cat d/f
x

# says how many blocks there were
$ echo x >f; echo f | cpio -o -H newc >a 2>err; cat err
1 blocks
~ gnu: 1 block
~ busybox: says nothing when it makes one

# --quiet does not
$ echo x >f; echo f | cpio -o -H newc --quiet >a; cpio -i --quiet -t <a
f

# without -d no directory is made
$ mkdir d; echo x >d/f; echo d/f | cpio -o -H newc 2>/dev/null >a; rm -r d; cpio -i <a 2>/dev/null; ls
a
~ busybox: makes them

# -m restores times
$ echo x >f; touch -d '2001-02-03 00:00:00' f; echo f | cpio -o -H newc 2>/dev/null >a; rm f; cpio -im <a 2>/dev/null; stat -c %Y f
981158400

# a newer file is not replaced but with -u
$ echo old >f; touch -d '2001-02-03 00:00:00' f; echo f | cpio -o -H newc 2>/dev/null >a; echo new >f; cpio -i <a 2>/dev/null; cat f; cpio -iu <a 2>/dev/null; cat f
new
old

# hard links
$ echo x >f; ln f g; ln f h; printf 'f\ng\nh\n' | cpio -o -H newc 2>/dev/null >a; rm f g h; cpio -i <a 2>/dev/null; stat -c %h f; cat g h
3
x
x

# hard links without data
$ : >f; ln f g; printf 'f\ng\n' | cpio -o -H newc 2>/dev/null >a; rm f g; cpio -i <a 2>/dev/null; stat -c '%h %s' f
2 0

# symbolic links
$ ln -s to/it s; echo s | cpio -o -H newc 2>/dev/null >a; rm s; cpio -i <a 2>/dev/null; readlink s
to/it

# devices and pipes
$ mknod c c 1 3; mkfifo p; printf 'c\np\n' | cpio -o -H newc 2>/dev/null >a; rm c p; cpio -i <a 2>/dev/null; stat -c '%F %t %T' c p
character special file 1 3
fifo 0 0
% root

# patterns, and all but them
$ echo 1 >a.c; echo 2 >b.h; ls *.[ch] | cpio -o -H newc 2>/dev/null >x; cpio -t '*.c' <x 2>/dev/null; cpio -tf '*.c' <x 2>/dev/null
a.c
b.h
~ busybox: no -f

# the other formats
$ echo x >f; for h in odc crc; do echo f | cpio -o -H $h 2>/dev/null >a; rm f; cpio -i <a 2>/dev/null; cat f; done
x
x
~ busybox: newc only

# -0
$ n=$(printf 'a\nb'); echo x >"$n"; printf 'a\nb\0' | cpio -o0 -H newc 2>/dev/null >a; rm "$n"; cpio -i <a 2>/dev/null; cat "$n"
x

# -F names the archive
$ echo x >f; echo f | cpio -o -H newc -F a 2>/dev/null; cpio -t -F a 2>/dev/null
f

# -R gives an owner
$ echo x >f; echo f | cpio -o -H newc -R 7:8 2>/dev/null >a; rm f; cpio -i <a 2>/dev/null; stat -c '%u %g' f
7 8
% root

# -p copies
$ mkdir d o; echo x >d/f; ln d/f d/g; find d | cpio -pdm o 2>/dev/null; cat o/d/f; stat -c %h o/d/g
x
2
~ busybox: does not in this build

# no member leaves the directory
$ mkdir in; echo evil >f; (cd in; echo ../f | cpio -o -H newc 2>/dev/null >../a); rm f; cd in; cpio -id <../a 2>/dev/null; ls .. | grep -c '^f'
0
? 1
~ gnu: does
~ busybox: does

# a truncated archive
$ seq 1000 >f; echo f | cpio -o -H newc 2>/dev/null | head -c 2000 >a; rm f; cpio -i <a 2>/dev/null
? 1
~ gnu: fails with 2

# what is no archive
$ echo hello world, this is no archive at all, hello hello >a; cpio -t <a 2>/dev/null
? 1
~ gnu: fails with 2

# a wrong checksum
$ echo hello >f; echo f | cpio -o -H crc 2>/dev/null | sed s/hello/hallo/ >a; cpio -iu <a 2>/dev/null
? 1
~ busybox: newc only
~ gnu: only says so

# a file that is not there
$ echo x >f; printf 'nope\nf\n' | cpio -o -H newc 2>/dev/null >a; cpio -t <a 2>/dev/null
f
? 0
~ busybox: stops
