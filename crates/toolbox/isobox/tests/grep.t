$ printf 'foo\nbar\nfoobar\n' | grep foo
foo
foobar

# nothing found is status 1
$ printf 'foo\n' | grep bar
? 1

# several files are named
$ echo foo >a; echo foo x >b; grep foo a b
a:foo
b:foo x

$ echo foo >a; echo x >b; grep -h foo a b; grep -H foo a
foo
a:foo

# a missing file is status 2, the others are searched
$ echo foo >a; grep foo missing a
a:foo
! grep: missing: No such file or directory
? 2

$ echo foo >a; grep -s foo missing a
a:foo
? 2

$ printf 'a\nb\na\n' | grep -n a
1:a
3:a

$ printf 'a\nb\na\n' | grep -c a
2

$ printf 'a\nb\n' >f; echo c >g; grep -c a f g
f:1
g:0

$ printf 'a\nb\n' >f; echo c >g; grep -l a f g; grep -L a f g
f
g

$ printf 'a\nb\nc\n' | grep -v b
a
c

$ printf 'a\nb\nc\n' | grep -vn b
1:a
3:c

$ printf 'Foo\nfOO\n' | grep -i foo
Foo
fOO

$ printf 'a foo b\nafoob\n' | grep -w foo
a foo b

# a shorter match may be a word where the longest is not
$ printf 'foobar foo\n' | grep -wo 'foo\|foobar'
foobar
foo

$ printf 'foo\nfoo bar\n' | grep -x foo
foo

$ printf 'a.c\nabc\n' | grep -F a.c
a.c

$ printf 'ab1cd22\n' | grep -o '[0-9]*'
1
22

$ printf 'a1b2\n' | grep -on '[0-9]'
1:1
1:2

$ printf 'xx\na\nb\nc\nxx\n' | grep -A1 a
a
b

$ printf '1\n2\n3\n4\n5\n6\n7\n' | grep -e 2 -e 6 -C1
1
2
3
--
5
6
7

# groups that touch are not set off
$ printf '1\n2\n3\n4\n5\n' | grep -C1 -e 2 -e 4
1
2
3
4
5

$ printf '1\n2\n3\n4\n' | grep -n -B1 3
2-2
3:3

$ printf 'a\na\na\n' | grep -m2 a
a
a

$ printf 'a\nb\na\nc\n' | grep -m1 -A1 a
a
b

$ printf 'ab\n' | grep -q b && echo yes
yes

$ printf 'x\n' >p; printf 'xa\nb\n' | grep -f p
xa

# an empty file of patterns matches nothing, an empty pattern everything
$ : >p; echo a | grep -f p; echo $?; echo a | grep ''
1
a

$ printf 'a\nb\nc\n' | grep -e a -e c
a
c


$ printf 'ab\nba\n' | grep -E '^(a|x)b?'
ab

$ printf 'abab\nabba\n' | grep '\(ab\)\1'
abab

$ printf 'foobar\n' | grep -oP 'foo\Kbar'
bar
~ busybox: no -P

$ printf 'a1\nab\n' | grep -P 'a(?!\d)'
ab
~ busybox: no -P

$ mkdir -p d/e; echo foo >d/a; echo foo >d/e/b; grep -r foo d | sort
d/a:foo
d/e/b:foo

$ mkdir -p d; echo foo >d/a; cd d; grep -r foo
a:foo
~ busybox: reads standard input

$ mkdir -p d; echo foo >d/a.c; echo foo >d/a.h; grep -r --include='*.c' foo d
d/a.c:foo
~ busybox: no --include

$ mkdir -p d; echo foo >d/a; ln -s a d/l; ln -s . d/loop; grep -r foo d; grep -R foo d | sort
d/a:foo
d/a:foo
d/l:foo
~ busybox: goes round in circles
~ gnu: warns of the loop

# -z: records that end with NUL
$ printf 'a\nb\0c\0' | grep -z b | tr '\0' '!'
a
b!
\

$ printf 'foo' | grep foo
foo

# a line that ends in the middle of nothing
$ printf '\n\nx' | grep -n '^$'
1:
2:

$ printf 'a\n' | grep --color=always a | od -An -c
 033   [   0   1   ;   3   1   m 033   [   K   a 033   [   m 033
   [   K  \n
~ busybox: says it differently
~ gnu: od is not theirs

$ printf 'ab\nb\n' | grep -b b
0:ab
3:b
~ busybox: no -b

$ printf 'a\n' >f; grep -lZ a f | tr '\0' '!'
f!
\
~ busybox: no -Z

$ echo a | grep 'a\{1'
! grep: Unmatched \{
? 2
~ busybox: other words
~ gnu: other words

$ echo a | grep -E '(a'
! grep: Unmatched ( or \(
? 2
~ busybox: other words

# bytes that are no text
$ printf 'a\377b\n' | LC_ALL=C grep -c 'a.b'
1

# -o prints no empty matches
$ printf 'abc\n' | grep -o 'x*'; echo $?
0

$ printf 'a b\n' | grep -c '\bb\b'
1

$ printf 'a\nb\n' >f; grep -n b <f
2:b

$ printf 'foo\n' >d; grep foo d - <d
d:foo
(standard input):foo

$ grep
? 2
