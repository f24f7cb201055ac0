$ printf 'a\nb\nc\n' >f; printf '2p\n,n\n$=\nq\n' | ed f
6
b
1	a
2	b
3	c
3
~ busybox: has few commands

$ printf 'a\nb\nc\n' >f; printf '2d\nw\nq\n' | ed -s f; cat f
a
c
~ busybox: has no -s

$ printf 'a\none\ntwo\n.\nw f\nq\n' | ed -s; cat f
one
two
~ busybox: has no -s

$ printf 'a\nb\nc\n' >f; printf '1i\nx\n.\n$a\ny\n.\n2c\nz\n.\n,p\nQ\n' | ed -s f
x
z
b
c
y
~ busybox: has no -s

$ printf 'foo\nbar\nbaz\n' >f; printf '/ba/\n//\n?foo?\n//+1p\nQ\n' | ed -s f
bar
baz
foo
bar
~ busybox: has no -s

$ printf 'foo\nbar\n' >f; printf '1s/o/0/\np\ns/o/0/g\np\n,s/[ab]/<&>/2p\nQ\n' | ed -s f
f0o
f00
b<a>r
~ busybox: has no -s

$ printf 'ab\n' >f; printf 's/\\(a\\)\\(b\\)/\\2\\1/p\ns/b/x\\\ny/\n,p\nQ\n' | ed -s f
ba
x
ya
~ busybox: has no -s

$ printf 'aaa\n' >f; printf 's/a/b/\ns\np\ns/a/%%/p\nQ\n' | ed -s f
bba
bbb
~ busybox: has no -s

$ printf 'a\nb\nc\nd\n' >f; printf '1,2m$\n,p\n1t2\n,p\n2,3j\n,p\nQ\n' | ed -s f
c
d
a
b
c
d
c
a
b
c
dc
a
b
~ busybox: has no -s

$ printf 'a\nb\nc\n' >f; printf '2d\n,p\nu\n,p\nu\n,p\nQ\n' | ed -s f
a
c
a
b
c
a
c
~ busybox: has no -s

$ printf 'a1\nb\na2\n' >f; printf 'g/a/s/$/!/\n,p\nv/a/d\n,p\nu\n,p\nQ\n' | ed -s f
a1!
b
a2!
a1!
a2!
a1!
b
a2!
~ busybox: has no -s

$ printf 'a\nb\nc\n' >f; printf 'g/./m0\n,p\ng/[ac]/a\\\n-\\\n.\\\ns/-/+/\n,p\nQ\n' | ed -s f
c
b
a
c
+
b
a
+
~ busybox: has no -s

$ printf 'a\nb\nc\n' >f; printf 'G/[ac]/\ns/./X/\n\n,p\nQ\n' | ed -s f
a
c
X
b
c
~ busybox: has no -s

$ printf 'a\nb\nc\n' >f; printf "2kx\n1d\n'xp\n'x-1p\nQ\n" | ed -s f
b
?
? 1
~ busybox: has no -s

$ printf 'a\nb\nc\nd\ne\n' >f; printf '2;+1p\n-\n+2p\n--p\n;p\n%%p\n.,$-1n\nQ\n' | ed -s f
b
c
b
d
b
b
c
d
e
a
b
c
d
e
?
? 1
~ busybox: has no -s

$ printf 'a\tb\\c$\001\n' >f; printf 'l\nnl\nQ\n' | ed -s f
a\tb\\c\$\001$
1	a\tb\\c\$\001$
~ busybox: has no -s

$ printf 'a\nb\n' >f; echo x >g; printf 'r g\n0r g\n,p\nr !echo cmd\n,n\nQ\n' | ed f
4
2
2
x
a
b
x
4
1	x
2	a
3	b
4	x
5	cmd
~ busybox: has few commands

$ printf 'a\nb\n' >f; printf '1w g\n2W g\nw !cat\nf\nf h\nf\nQ\n' | ed f; cat g
4
2
2
a
b
4
f
h
h
a
b
~ busybox: has few commands

$ printf 'a\n' >f; printf '!echo hi\n!!\n!echo %%\nQ\n' | ed f
2
hi
!
echo hi
hi
!
echo f
f
!
~ busybox: has few commands

$ printf 'a\n' >f; printf 'd\nq\nq\n' | ed -s f; echo $?
?
1
~ busybox: has no -s

$ printf 'a\n' >f; printf 'd\nwq\n' | ed -s f; cat f
~ busybox: has no -s

$ printf 'H\nyyy\n/x/\n9p\nh\n' | ed -s; echo $?
?
Unknown command
?
No match
?
Invalid address
Invalid address
1
~ busybox: has no -s
~ gnu: wants an address first

$ printf 'a\n' >f; printf 'zzz\n1p\n' >s; ed -s f <s; echo $?
?
1
~ busybox: has no -s

$ printf 'ab' >f; printf ',p\nw\nq\n' | ed f 2>/dev/null; cat f
Newline appended
3
ab
3
ab
~ busybox: has few commands

$ printf 'a\nx\n.\nw f\nq\n' | ed f 2>/dev/null; cat f
2
x
~ busybox: has few commands

$ seq 30 >f; printf '1z3\nz\nQ\n' | ed -s f
1
2
3
4
5
6
~ busybox: has no -s

$ printf 'a\n' >f; printf 'P\np\nP\np\nQ\n' | ed -s f; printf 'p\nQ\n' | ed -s -p '> ' f
*a
*a
> a
> 
\
~ busybox: has no -s

$ printf 'a/b\n' >f; printf 's,/,|,p\ns/|/\\//p\ns/[/]/x/p\nQ\n' | ed -s f
a|b
a/b
axb
~ busybox: has no -s

$ printf 'a\nb\n' >f; chmod 640 f; printf '1d\nw\nq\n' | ed -s f; stat -c %a f; ls
640
f

$ printf 'a\nb\n' >f; ln f g; printf '1d\nw\nq\n' | ed -s f; cat g
b
~ busybox: has no -s
