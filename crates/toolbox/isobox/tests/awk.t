$ printf 'a b\nc d\n' | awk '{ print $2 }'
b
d

$ printf 'a b\nc d\n' | awk '{ print $2, $1; print $1 $2 }'
b a
ab
d c
cd

$ printf '1\n2\n3\n' | awk '{ s += $1 } END { print s }'
6

$ printf 'a\nb\nab\n' | awk '/a/'
a
ab

$ printf 'a\nb\nc\nd\n' | awk '/b/,/c/'
b
c

# a range may begin and end at one record
$ printf 'b\nc\nb\n' | awk '/b/,/b/ { print NR }'
1
3

$ printf 'a\nb\n' | awk 'NR == 2'
b

$ printf 'a\nb\n' | awk 'END { print NR, $0 }'
2 b

$ awk 'BEGIN { print "x" }'
x

$ awk 'BEGIN { exit 3 } END { print "end" }'
end
? 3

$ awk 'BEGIN { exit 42 } END { exit }'
? 42

$ printf 'a:b:c\n' | awk -F: '{ print $2, NF }'
b 3

$ printf 'a--b--c\n' | awk -F-- '{ print $2, NF }'
b 3

$ printf 'a1b22c\n' | awk -F'[0-9]+' '{ print $3, NF }'
c 3

$ printf 'a|b|c\n' | awk -F'|' '{ print $2 }'
b

$ printf 'a.b.c\n' | awk -F. '{ print $2 }'
b

$ printf 'a!b\n' | awk -F'\x21' '{ print $1 }'
a

$ printf 'a\tb c\td\n' | awk -F'\t' '{ print $2 }'
b c

$ printf '  a  b  \n' | awk '{ print NF; print $1 "|" $2 }'
2
a|b

$ printf '  a  b\n' | awk -F' ' '{ print NF }'
2

$ printf ' a b\n' | awk -F'[ ]' '{ print NF }'
3

# an empty separator makes every character a field
$ printf 'abc\n' | awk -v FS= '{ print NF, $2 }'
3 b

# a new separator is for the next record
$ printf 'a:b c\nd:e f\n' | awk '{ FS = ":"; print $1 }'
a:b
d

# an expression that matches nothing separates nothing
$ printf 'foo--bar\n' | awk -F'-*' '{ print $1 "-" $2 "=" $3 }'
foo-bar=

$ printf 'a\rb c\n' | awk '{ print NF }'
2
~ busybox: splits at a carriage return

$ printf 'a b c\n' | awk '{ $2 = "x"; print; print NF }'
a x c
3

$ printf 'a b c\n' | awk '{ $5 = "e"; print; print NF }'
a b c  e
5

$ printf 'a b c\n' | awk '{ NF = 2; print; $0 = "x y z"; print NF }'
a b
3

$ printf 'a b c\n' | awk -v OFS=- '{ $1 = $1; print; print $1, $2 }'
a-b-c
a-b

$ printf 'a b c\n' | awk '{ OFS = "-"; print; $1 = $1; print }'
a b c
a-b-c

$ printf 'a b\n' | awk '{ $(NF + 2) = 7; print; print $3 == "" }'
a b  7
1

$ printf 'a b c d\n' | awk '{ print $NF, $(NF - 1), $NF-1 }'
d c -1

$ printf '3 4\n' | awk '{ i = 1; print $i++, i; print $++i }'
3 1
4

# a field that was assigned a number is one
$ printf 'a b\n' | awk '{ $2 = 10; print ($2 < 9) }'
0

$ printf '10 9\n' | awk '{ print ($1 < $2), ($1 "" < $2 "") }'
0 1

$ printf '10x 9\n' | awk '{ print ($1 < $2) }'
1

$ printf ' 10  \n' | awk -F, '{ print ($1 == 10) }'
1

$ printf '1e2 100\n' | awk '{ print ($1 == $2) }'
1

$ printf '0x10\n' | awk '{ print $1 + 0, ($1 == 16) }'
0 0
~ gnu: mawk reads the number
~ busybox: reads the number

# a constant that is a string is never a number
$ printf '10\n' | awk '{ print ($1 == "10.0"), ($1 == 10.0) }'
0 1

$ awk 'BEGIN { if (x == 0 && x == "") print "both"; print length(x), x + 0 }'
both
0 0

$ awk 'BEGIN { print 1 == 1.0, "a" < "b", 2 < 10, "2" < "10" }'
1 1 1 0

$ awk 'BEGIN { print (1 == 1.0), ("a" < "b"), (2 < 10), ("2" < "10") }'
1 1 1 0

$ awk 'BEGIN { print -3 % 2, 7 % 3, 7.5 % 2 }'
-1 1 1.5

$ awk 'BEGIN { print 2 ^ 3 ^ 2, -2 ^ 2, 2 ** 3; x = 2; x ^= 3; x **= 2; print x }'
512 -4 8
64
~ busybox: Debian's has no mathematics
~ gnu: mawk has no **

$ awk 'BEGIN { print 1 + 2 * 3, (1 + 2) * 3, 10 - 2 - 3, 2 / 4 }'
7 9 5 0.5

$ awk 'BEGIN { x = 5; print x++, x, ++x, x--, --x; print -x, +x, !x, !!x }'
5 6 7 7 5
-5 5 0 1

$ awk 'BEGIN { x = 1; x += 2; x -= 1; x *= 6; x /= 4; x %= 2; print x }'
1

$ awk 'BEGIN { print 1 " " -1, 1 - 1 "a" }'
1-1 0a

$ awk 'BEGIN { a = "A"; print a = "B", a; b = c = 3; print b c }'
B B
33

$ awk 'BEGIN { print 1 ? 2 : 3, 0 ? 2 : 0 ? 4 : 5 }'
2 5

$ awk 'BEGIN { a = 0 ? "bug" : "ok"; print a; 1 ? b = 2 : b = 3; print b }'
ok
2
~ busybox: refuses the assignment

$ awk 'BEGIN { print 1 || 0 && 0, (1 || 0) && 0, !1 || 1 }'
1 0 1
~ busybox: refuses the sign

$ awk 'BEGIN { print "a" ~ /a/, "a" ~ "b", "ab" !~ /b$/ }'
1 0 0

# the left side of ~ is all that is not a comparison
$ awk 'BEGIN { x = "b"; print "a" "b" ~ "a" x }'
1

$ awk -v i=1 'BEGIN { print "str" ++i }'
str2

$ awk 'BEGIN { v = 1; a = 2; print v (a) }'
12

$ awk 'BEGIN { print length "x", length("abc"), length(12345) }' </dev/null
0x 3 5

$ printf 'abc\n' | awk '{ print length, length() } length == 3'
3 3
abc

$ awk 'BEGIN { print 011, 0x11, 1e3, .5, 5. }'
9 17 1000 0.5 5
~ gnu: mawk knows no such numbers

$ awk 'BEGIN { print 1e6, 1000000, 123456789, 0.1, 1e-5, 3.0, 1e300 * 1e300, -1e300 * 1e300 }'
1000000 1000000 123456789 0.1 1e-05 3 inf -inf

$ awk 'BEGIN { print 2147483648, 4294967296 * 2, 123456.789, 1234567.89 }'
2147483648 8589934592 123457 1.23457e+06
~ gnu: mawk writes small whole numbers only

$ awk 'BEGIN { OFMT = "%.2f"; x = 3.14159; print x, x ""; CONVFMT = "%.3f"; print x "" }'
3.14 3.14159
3.142
~ busybox: keeps the string that it made first

$ awk 'BEGIN { CONVFMT = "%d"; a[12.7] = 1; for (k in a) print k; print 12 "" }'
12
12
~ gnu: mawk gives the format an integer

$ awk 'BEGIN { printf "%d %5d|%-5d|%05d|%+d\n", 1.9, 2, 3, 4, 5 }'
1     2|3    |00004|+5

$ awk 'BEGIN { printf "%s %5s|%-5s|%.2s\n", "a", "b", "c", "def" }'
a     b|c    |de

$ awk 'BEGIN { printf "%x %X %o %u %c %c\n", 255, 255, 8, 3, 65, "hello" }'
ff FF 10 3 A h

$ awk 'BEGIN { printf "%e %E %f %g %G\n", 12345.678, 0.00012, 1.5, 1e10, 1e-10 }'
1.234568e+04 1.200000E-04 1.500000 1e+10 1E-10

$ awk 'BEGIN { printf "%*d|%-*d|%.*f\n", 5, 42, 5, 42, 2, 3.14159 }'
   42|42   |3.14
~ busybox: has no stars

$ awk 'BEGIN { printf "%%|%5.1f|%i\n", 2.25, 7 }'
%|  2.2|7

$ awk 'BEGIN { printf "a\tb\\c\"d\/e\n" }'
a	b\c"d/e
~ gnu: mawk keeps the backslash

$ awk 'BEGIN { printf "%s %s %d\n", "one" }'
one  0
~ gnu: mawk ends with an error

$ awk 'BEGIN { printf "hello%c world\n", 0 }' | od -c | head -n 1
0000000   h   e   l   l   o  \0       w   o   r   l   d  \n

$ awk 'BEGIN { x = sprintf("%03d-%s", 7, "x"); print x, length(x) }'
007-x 5

$ awk 'BEGIN { print substr("hello", 2, 3), substr("hello", 0), substr("hello", 4), substr("hello", 9) "." }'
ell hello lo .

$ awk 'BEGIN { print substr("hello", 2, 0) "." substr("hello", 2, -1) "." substr("hello", 3, 100) }'
..llo

$ awk 'BEGIN { print index("foobar", "bar"), index("a", "b"), index("a", "") }'
4 0 1
~ busybox: finds nothing

$ awk 'BEGIN { print match("foobar", /o+/), RSTART, RLENGTH; print match("a", "z"), RSTART, RLENGTH }'
2 2 2
0 0 -1

$ awk 'BEGIN { match("key=value", /([a-z]+)=([a-z]+)/, m); print m[1], m[2], m[0], m[2, "start"], m[1, "length"] }'
key value key=value 5 3
~ busybox: takes two arguments
~ gnu: mawk takes two arguments

$ awk 'BEGIN { n = split("a b  c", p); print n, p[1], p[3]; print split("", p), length(p) }'
3 a c
0 0

$ awk 'BEGIN { print split("a:b:c", p, ":"), p[3]; print split("a1b2c", p, /[0-9]/), p[2]; print split("abc", p, ""), p[3] }'
3 c
3 b
3 c

$ awk 'BEGIN { n = split(" a b ", p, / /); print n, p[1] "." p[2] "." }'
4 .a.

# pieces of a split compare as numbers
$ awk 'BEGIN { split("10 9", p); print (p[1] > p[2]) }'
1

$ awk 'BEGIN { s = "aaa"; print sub(/a/, "b", s), s; print gsub(/a/, "[&]", s), s }'
1 baa
2 b[a][a]

$ printf 'foo bar\n' | awk '{ gsub(/o/, "0"); print; sub("bar", "&&"); print; print $2 }'
f00 bar
f00 barbar
barbar

$ awk 'BEGIN { s = "a.b.c"; gsub(".", "x", s); print s; s = "a.b.c"; gsub("\\.", "x", s); print s }'
xxxxx
axbxc

$ awk 'BEGIN { s = "hello"; gsub(/l/, "\\&", s); print s; s = "hello"; gsub(/l/, "\\\\&", s); print s }'
he&&o
he\l\lo

$ awk 'BEGIN { s = "abc"; gsub(/x*/, "-", s); print s; s = "baac"; gsub(/a*/, "-", s); print s }'
-a-b-c-
-b-c-
~ busybox: finds an empty match behind another one

$ awk 'BEGIN { s = "hello world"; gsub(/^h|d$/, "#", s); print s }'
#ello worl#

$ awk 'BEGIN { a["x"] = "foo"; sub(/o/, "0", a["x"]); print a["x"]; $0 = "a b"; sub(/b/, "c", $2); print $0 }'
f0o
a c

$ awk 'BEGIN { print gensub(/(a)(b)/, "\\2\\1", "g", "abab"), gensub(/b/, "[&]", 2, "abab"), gensub("a", "\\0\\0", 1, "a") }'
baba aba[b] aa
~ gnu: mawk has none

$ printf 'aXbX\n' | awk '{ print gensub(/X/, "-", "g"); print }'
a-b-
aXbX
~ gnu: mawk has none

$ awk 'BEGIN { print toupper("abcÄ1"), tolower("ABC1") }'
ABCÄ1 abc1

$ awk 'BEGIN { print int(3.9), int(-3.9), int("12abc") }'
3 -3 12

$ awk 'BEGIN { printf "%.4f %.4f %.4f %.4f %.4f\n", sin(1), cos(1), atan2(1, 2), exp(1), log(10) }'
0.8415 0.5403 0.4636 2.7183 2.3026
~ busybox: Debian's has no mathematics

$ awk 'BEGIN { print sqrt(16), exp(0), log(1) }'
4 1 0
~ busybox: Debian's has no mathematics

$ awk 'BEGIN { srand(1); a = rand(); srand(1); b = rand(); print (a == b), (a >= 0 && a < 1), srand(5), srand() }'
1 1 1 5

$ awk 'BEGIN { print and(12, 10), or(12, 10), xor(12, 10), lshift(1, 4), rshift(16, 2) }'
8 14 6 16 4
~ gnu: mawk has none

$ awk 'BEGIN { print strtonum("0x1f"), strtonum("017"), strtonum("12") }'
31 15 12
~ busybox: has no strtonum
~ gnu: mawk has none

$ awk 'BEGIN { print strftime("%Y-%m-%d %H:%M:%S", 86400), mktime("1970 01 02 00 00 00") }'
1970-01-02 00:00:00 86400

$ awk 'BEGIN { print (systime() > 1000000000), length(strftime("%s")) }'
1 10

$ awk 'BEGIN { a["x"] = 1; a["y"]; print ("x" in a), ("y" in a), ("z" in a), length(a) }'
1 1 0 2

$ awk 'BEGIN { a[1, 2] = 3; print ((1, 2) in a), ((2, 1) in a); for (k in a) { split(k, p, SUBSEP); print p[1], p[2] } }'
1 0
1 2

$ awk 'BEGIN { SUBSEP = ":"; a[1, 2]; for (k in a) print k }'
1:2

$ awk 'BEGIN { a[1]; a["01"]; a[01]; a[1.0]; print length(a) }'
2

$ awk 'BEGIN { for (i = 0; i < 3; i++) a[i] = i * i; delete a[1]; for (i in a) s = s i; print s, length(a); delete a; print length(a) }'
02 2
0
~ gnu: another order

$ awk 'BEGIN { c = 0; a[c] = "zeroth"; a[++c] = "first"; delete a[c--]; print c, a[0], a[1] }'
0 zeroth 

# the loop goes over the elements that there were
$ awk 'BEGIN { a[1]; a[2]; for (k in a) { delete a; n++ } print n }'
2

$ awk 'BEGIN { a["b"]; a["a"]; for (k in a) print k }'
b
a
~ busybox: another order

# reading an element makes it
$ awk 'BEGIN { if (a["x"] == "") print length(a); if ("y" in a) print "no" ; print length(a) }'
1
1

$ awk 'function f(a, b) { a = 5; b[1] = 6; return a + b[1] } BEGIN { x = 1; print f(x, y), x, y[1] }'
11 1 6

$ awk 'function fact(n) { return n <= 1 ? 1 : n * fact(n - 1) } BEGIN { print fact(10) }'
3628800

$ awk 'function g(x) { x["k"] = 1 } function f(l) { g(l); return l["k"] } BEGIN { print f() }'
1

$ awk 'function f(n,  i, s) { for (i = 0; i < n; i++) s = s i; return s } BEGIN { print f(3) f(2) }'
01201

$ awk 'function f() { return } BEGIN { x = f(); print x "." x + 0 }'
.0

$ awk 'func f() { print "F" } func g() { print "G" } BEGIN { f(g(), g()) }'
G
G
F
~ gnu: mawk refuses too many arguments

$ awk 'function a() { return 1 }
$ function b() { return a() }
$ BEGIN { print b() ? "string" : "number" }'
string

$ awk 'BEGIN { i = 0; while (i < 5) { i++; if (i == 2) continue; if (i == 4) break; print i } }'
1
3

$ awk 'BEGIN { do { print i++ } while (i < 2); for (;;) if (j++ > 3) break; print j }'
0
1
5

$ awk 'BEGIN { if (0) print 1; else if (1) print 2; else print 3 }'
2

$ awk 'BEGIN {
$     if (1)
$         print "a" ;
$     else
$         print "b"
$     x = 1 +\
$         2; print x # a comment
$     print 1,
$         2
$     if (1 &&
$         1) print "c"
$ }'
a
3
1 2
c

$ printf '1\n2\n3\n' | awk '{ if ($1 == 2) next; print } END { print "end" }'
1
3
end

$ printf '1\n2\n' >f; printf '3\n4\n' >g; awk '{ print FILENAME, FNR, NR } FNR == 1 { nextfile }' f g
f 1 1
g 1 2

$ printf 'a\n' >f; awk '{ print x, $0 }' x=1 f x=2 f
1 a
2 a

$ printf 'a\n' >f; awk -v x='a\tb' '{ print x }' f
a	b

$ printf 'a\n' >f; awk 'BEGIN { ARGV[1] = "f"; ARGC = 2 } { print }'
a

$ printf 'a\n' >f; awk 'BEGIN { ARGV[1] = "" } { print }' nothing f
a

$ awk 'BEGIN { for (i = 1; i < ARGC; i++) print ARGV[i] }' a b=c -d
a
b=c
-d

$ X=y awk 'BEGIN { print ENVIRON["X"] }'
y

$ echo '{ print "f" $0 }' >p; echo 'END { print "end" }' >q; echo a | awk -f p -f q
fa
end

$ echo '{ print $2; print ARGC }' | awk -f - /etc/hostname | tail -n 1
2

$ printf 'a\nb\nc\n' | awk 'NR == 1 { while ((getline line) > 0) n++; print n, line, NR }'
2 c 3

$ printf 'a\nb\n' | awk 'NR == 1 { getline; print $0, NR }'
b 2

$ printf 'x y\n' >f; awk 'BEGIN { while ((getline < "f") > 0) print $2, NF, NR; close("f"); getline l < "f"; print l, (getline l < "none") }'
y 2 0
x y -1

$ awk 'BEGIN { "echo a b" | getline; print $2, NR; "echo c" | getline x; print x; "echo " "d" | getline y; print y }'
b 1
c
d
~ busybox: does not count the record
~ gnu: mawk does not count the record, and reads d alone

$ awk 'BEGIN { while (("echo a; echo b" | getline l) > 0) print "got", l; print close("echo a; echo b"), close("nothing") }'
got a
got b
0 -1
~ busybox: returns 0 for what is not open

$ awk 'BEGIN { print "b\na" | "sort"; close("sort"); print "after" }'
a
b
after

$ awk 'BEGIN { print "x" | "cat 1>&2"; print "y" > "/dev/stderr"; print "z" > "/dev/stdout" }' 2>/dev/null
z

$ awk 'BEGIN { print "a" > "f"; print "b" > "f"; close("f"); print "c" >> "f"; close("f"); while ((getline l < "f") > 0) print l }'
a
b
c

$ awk '{ print > $1 ".out" }' <<X
$ a 1
$ b 2
$ a 3
$ X
$ cat a.out b.out
a 1
a 3
b 2

$ awk 'BEGIN { print system("exit 3"), system("echo out"); printf "x"; system(""); fflush() }'
out
3 0
x
\
~ busybox: keeps no order of the outputs

$ printf 'a;b;c' | awk -v RS=';' '{ print NR, $0 }'
1 a
2 b
3 c

$ printf 'a1b22c' | awk -v RS='[0-9]+' '{ print NR, $0 }'
1 a
2 b
3 c

$ printf '\n\na b\nc\n\n\n\nd\n' | awk -v RS= '{ print NR ": " $1 "," $NF; print NF }'
1: a,c
3
2: d,d
1

# in paragraphs a newline separates fields whatever FS is
$ printf 'a:b\nc:d\n\ne\n' | awk -v RS= -F: '{ print NF, $2, $3 }'
4 b c
1  
~ busybox: the last newline begins a field
~ gnu: mawk splits at FS alone

$ printf 'a\nb\n' | awk -v ORS=';' -v OFS=, '{ print $1, NR } END { printf "\n" }'
a,1;b,2;

$ printf 'no newline' | awk '{ print }'
no newline

$ printf 'a\0b\n' | awk '{ print length($0) }'
3
~ busybox: a NUL ends the record

$ printf 'abc\n' | LC_ALL=C.UTF-8 awk '{ print length("äö"), toupper("ä"), substr("äöü", 2, 1), index("äöü", "ü") }'
2 Ä ö 3
~ busybox: counts bytes
~ gnu: mawk counts bytes

$ printf 'tab\there\na+b\n' | awk '/\t/ { print "tab" } /a\+b/ { print "plus" } /[+]/ { print "too" }'
tab
plus
too

$ printf 'a/b\n' | awk '/a\/b/ { print "escaped" } /[/]/ { print "bracket" }'
escaped
bracket
~ busybox: a slash in brackets ends the expression

$ printf 'aab\nab\n' | awk '/^a{2}b$/'
aab
~ gnu: mawk 1.3.4 has no intervals

$ printf 'ab\n' | awk '/(a|x)(b|y)$/ && !/z/'
ab

$ printf 'foo.bar\n' | awk '$0 ~ "foo\\.bar" { print "1" } $0 ~ "foo\.bar" { print "2" }'
1
2

$ printf 'a b\n' | awk '$2 ~ /b/ { print "yes" } $1 !~ /b/ { print "no" }'
yes
no

$ awk 'BEGIN { r = "^[a-c]+$"; print ("abc" ~ r), ("abd" ~ r) }'
1 0

$ awk 'BEGIN { print "A" "B" > "/dev/stdout"; print ("x")("y") }'
AB
xy

$ awk 'BEGIN { print (1, 2) > "/dev/stdout"; print(3)(4) }'
1 2
34

$ awk 'BEGIN { getline l < "/nonexistent"; print "ok" l }'
ok

$ awk 'BEGIN { $0 = "a b c"; print NF, $2; $3 = ""; print $0 "."; print NF }'
3 b
a b .
3

$ awk 'BEGIN { s = ""; for (i = 0; i < 5; i++) s = s i ","; print s; s = s s; print s }'
0,1,2,3,4,
0,1,2,3,4,0,1,2,3,4,

$ awk 'BEGIN { while (i < 3) { i++ }; print i };;BEGIN { print "two" }'
3
two
~ busybox: refuses the second semicolon
~ gnu: refuses the second semicolon

$ awk '
$ # only a comment
$ BEGIN { print "x" } # another
$ '
x

$ echo 'x' | awk '{ print NR } { print $1 }'
1
x

$ printf '5 apples\n3 pears\n5 plums\n' | awk '{ n[$1]++ } END { for (k in n) print k, n[k] }' | sort
3 1
5 2

$ printf 'a b\na c\nb d\n' | awk '!seen[$1]++'
a b
b d

$ printf '1 2\n3 4\n' | awk '{ for (i = NF; i > 0; i--) printf "%s%s", $i, (i > 1 ? OFS : ORS) }'
2 1
4 3

$ printf 'one two three\n' | awk '{ n = 0; for (i = 1; i <= NF; i++) n += length($i); print n / NF }'
3.66667

$ printf 'k1=v1 k2=v2\n' | awk '{ for (i = 1; i <= NF; i++) { split($i, kv, "="); m[kv[1]] = kv[2] } print m["k2"], m["k1"] }'
v2 v1

# errors
$ awk 'BEGIN { print( }' 
! awk: cmd. line:1: Unexpected token
? 1
~ gnu: other words, status 2

$ awk 'BEGIN { x = 1
$ y = "abc }'
! awk: cmd. line:2: Unterminated string
? 1
~ gnu: other words, status 2

$ awk 'BEGIN { if (1) break }'
! awk: cmd. line:1: 'break' not in a loop
? 1
~ gnu: other words, status 2

$ awk '{ delete }' </dev/null
! awk: cmd. line:1: Too few arguments
? 1
~ gnu: other words, status 2

$ awk 'BEGIN { print() }'
! awk: cmd. line:1: Empty sequence
? 1
~ gnu: mawk prints a line

$ awk 'func f(a,) { }'
! awk: cmd. line:1: Unexpected token
? 1
~ gnu: other words, status 2

$ awk 'BEGIN {
$   print "L"
$   f() }'
L
! awk: cmd. line:3: Call to undefined function
? 1
~ gnu: refuses the program

$ awk 'BEGIN { a[1]; a = 2 }'
! awk: cmd. line:1: a is used as an array and as a variable
? 1
~ busybox: takes it
~ gnu: other words, status 2

$ awk 'BEGIN { x = 0
$ print 1 / x }'
! awk: cmd. line:2: Division by zero
? 1
~ gnu: prints inf

$ echo x | awk '{ $(-1) = 2 }'
! awk: cmd. line:1: Access to negative field
? 1
~ gnu: other words, status 2

$ awk '{ print }' /nonexistent
! awk: /nonexistent: No such file or directory
? 2
~ busybox: status 1

$ echo a >f; awk '{ print }' /nonexistent f
a
! awk: /nonexistent: No such file or directory
? 2
~ busybox: ends at once
~ gnu: mawk ends at once

$ awk '/a(/'
! awk: cmd. line:1: Invalid regular expression /a(/: Unmatched ( or \(
? 1
~ gnu: status 2

$ awk -v '1x=2' 'BEGIN { }'
! awk: -v 1x=2: expected NAME=VALUE
? 1
~ gnu: status 2

$ awk 2>/dev/null
? 1
~ gnu: status 0
