# makes, lists, prints
$ echo 1 >a; echo 2 >b; ar rc x.a a b; ar t x.a; ar p x.a; ar p x.a b
a
b
1
2
2
~ busybox: cannot make archives

# unpacks
$ echo 1 >a; echo 2 >b; ar rc x.a a b; rm a b; ar x x.a; cat a b
1
2
~ busybox: cannot make archives

# unpacks one
$ echo 1 >a; echo 2 >b; ar rc x.a a b; rm a b; ar x x.a b; ls
b
x.a
~ busybox: cannot make archives

# long names
$ echo 1 >a_name_that_is_long_enough.o; ar rc x.a a_name_that_is_long_enough.o; ar t x.a; rm *.o; ar x x.a; cat *.o
a_name_that_is_long_enough.o
1
~ busybox: cannot make archives

# data of odd length
$ printf abc >a; printf d >b; ar rc x.a a b; ar p x.a
abcd
\
~ busybox: cannot make archives

# replaces
$ echo 1 >a; echo 2 >b; ar rc x.a a b; echo 3 >a; ar r x.a a; ar p x.a; ar t x.a
3
2
a
b
~ busybox: adds it again

# deletes
$ echo 1 >a; echo 2 >b; ar rc x.a a b; ar d x.a a; ar t x.a
b
~ busybox: none

# appends
$ echo 1 >a; ar rc x.a a; ar q x.a a; ar t x.a
a
a
~ busybox: none

# all about members
$ echo 1 >a; ar rcD x.a a; ar tv x.a
rw-r--r-- 0/0      2 Jan  1 00:00 1970 a
~ busybox: no D

# verbose unpacking
$ echo 1 >a; ar rc x.a a; ar xv x.a
x - a
~ busybox: cannot make archives

# what is no archive
$ echo hello >x.a; ar t x.a 2>/dev/null
? 1

# a truncated archive
$ seq 1000 >a; ar rc x.a a; head -c 1000 x.a >y.a; ar p y.a >/dev/null 2>&1
? 1

# a member that is not there
$ echo 1 >a; ar rc x.a a; ar x x.a nope 2>/dev/null
? 1
~ gnu: says so only

# a name with a slash is no name
$ printf '!<arch>\n%-16s%-12s%-6s%-6s%-8s%-10s`\nx\n' ../evil/ 0 0 0 100644 2 >x.a; mkdir d; cd d; ar x ../x.a 2>/dev/null; ls .. | grep -c evil
0
? 1
~ gnu: takes the last part
~ busybox: writes it
