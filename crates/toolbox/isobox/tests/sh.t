$ echo hello world
hello world

$ echo "a  b" 'c  d' e\ \ f
a  b c  d e  f

$ x=5; echo $x ${x} "$x" '$x'
5 5 5 $x

# unset variables are empty
$ echo "[$nothing]" [$nothing]
[] []

$ echo $((1+2*3)) $(( (1+2)*3 )) $((7/2)) $((7%3)) $((-7/2))
7 9 3 1 -3

$ echo $((1<<4)) $((255>>4)) $((5&3)) $((5|3)) $((5^3)) $((~5))
16 15 1 7 6 -6

$ echo $((5>3)) $((5<3)) $((5>=5)) $((5<=4)) $((5==5)) $((5!=5))
1 0 1 0 1 0

$ echo $((1&&0)) $((1||0)) $((!1)) $((!0))
0 1 0 1

$ x=3; echo $((x++)) $x $((++x)) $x $((x--)) $((--x))
3 4 5 5 5 3
~ gnu: has no ++ and --

$ x=10; echo $((x+=5)) $((x-=3)) $((x*=2)) $((x/=4)) $((x%=4)) $((x<<=2)) $((x>>=1)) $((x|=5)) $((x&=6)) $((x^=3))
15 12 24 6 2 8 4 5 4 7

$ echo $((1?2:3)) $((0?2:3)) $((1,2,3))
2 3 3
~ gnu: has no the comma operator

$ echo $((0x1f)) $((010)) $((2#101))
31 8 5
~ gnu: has no numbers with a base

$ echo $((2**10)) $((-2**2))
1024 4
~ gnu: has no **

$ echo $((9223372036854775807+1))
-9223372036854775808

$ x=y; y=7; echo $((x)) $((x+1))
7 8
~ gnu: dash says or does it differently

$ echo $(( 1 +
$ 2 ))
3

$ echo $((1/0)); echo unreached
! ash: divide by zero
? 2

$ echo $((1 +)); echo unreached
! ash: arithmetic syntax error
? 2

$ x='1 + 1'; echo $((x * 2)) $(( $x * 2 ))
4 3
~ gnu: dash says or does it differently

$ unset u; echo $((u)) $((u+1))
0 1

$ let x=2+3 y=x*2; echo $x $y; let 0; echo $?
5 10
1
~ gnu: has no let

$ echo $(echo a; echo b) "$(echo a; echo b)"
a b a
b

$ echo `echo a` "`echo "x y"`"
a x y

$ echo $(echo $(echo $(echo deep)))
deep

$ echo `echo \`echo nested\``
nested

$ x=$(printf 'a\n\n\n'); echo "[$x]"
[a]

$ x=$(false); echo $?; x=$(exit 7); echo $?
1
7

$ echo "$(echo ")")" "$(case x in x) echo y;; esac)"
) y

$ echo "${x:-"a b"}" ${x:-a b} "${x:-'a'}"
a b a b 'a'

$ x=v; echo ${x:-d} ${x:+alt} ${y:-d} [${y:+alt}]
v alt d []

$ x=; echo [${x-d}] [${x:-d}] [${x+a}] [${x:+a}]
[] [d] [a] []

$ echo ${x=5} $x; echo ${x:=6} $x
5 5
5 5

$ x=; echo ${x:=6} $x
6 6

$ (echo ${x?message}); echo $?
2
! ash: x: message

$ (echo ${x:?}); echo $?
2
! ash: x: parameter not set or null

$ x=a.tar.gz; echo ${x%.*} ${x%%.*} ${x#*.} ${x##*.}
a.tar a tar.gz gz

$ x=/usr/local/bin; echo ${x##*/} ${x%/*} ${x#/} ${x%%/*}.
bin /usr/local usr/local/bin .

$ x=abcabc; echo ${x/b/X} ${x//b/X} ${x/z/X} ${x//[ac]/-}
aXcabc aXcaXc abcabc -b--b-
~ gnu: has no ${x/p/r}

$ x=abcdef; echo ${x:2} ${x:2:2} ${x:0:-1} ${x: -2} [${x:9}]
cdef cd abcde ef []
~ gnu: has no substrings

$ x=hello; echo ${#x} ${#nothing}; set -- a b c; echo ${#} ${#@} ${#*}
5 0
3 5 5

$ x='a*b'; echo "${x#a\*}" "${x%\*b}" "${x#a*}"
b a *b

$ p='*'; x=abc; echo "[${x#$p}]" "[${x#"$p"}]" "[${x##$p}]"
[abc] [abc] []

$ x='a b'; y=${x#a }; echo "$y"
b

$ set -- one two three; echo $1 $2 $3 $# $* "$@"
one two three 3 one two three one two three

$ set -- "a b" c; for i in "$@"; do echo "<$i>"; done
<a b>
<c>

$ set -- "a b" c; for i in $@; do echo "<$i>"; done
<a>
<b>
<c>

$ set -- "a b" c; for i in "$*"; do echo "<$i>"; done
<a b c>

$ set -- a b c; IFS=,; echo "$*"; IFS=; echo "$*"
a,b,c
abc

$ set --; echo $# "$@" "[$*]"; for i in "$@"; do echo no; done
0 []

$ set -- a b; echo "x$@y"
xa by

$ set -- 1 2 3 4 5 6 7 8 9 ten; echo ${10} $10
ten 10

$ set -- a b c; shift; echo $*; shift 2; echo $#; shift; echo $?
b c
0
1
~ gnu: dash says or does it differently

$ x="a b  c"; set -- $x; echo $#
3

$ x=" a b "; set -- $x; echo "$#:$1:$2"
2:a:b

$ IFS=:; x=a:b::c:; set -- $x; echo $# "[$3]"
4 []

$ IFS=': '; x='a : b:c  d'; set -- $x; echo $#
4

$ IFS=; x='a b'; set -- $x; echo $#
1

$ x='*'; mkdir d; cd d; touch f1 f2; echo $x "$x"
f1 f2 *

$ touch a.c b.c c.h; echo *.c *.h *.x
a.c b.c c.h *.x

$ touch a b c; echo [ab] [!ab] ? [a-c]
a b c a b c a b c

$ mkdir -p x/y; touch x/y/z x/q; echo x/* x/*/*
x/q x/y x/y/z

$ touch .hidden seen; echo * .h*
seen .hidden

$ touch 'a b' 'c*d'; echo a* 'c*'* c\**
a b c*d c*d

$ set -f; touch aa; echo a*
a*

$ touch a1 a2; x='a?'; for f in $x; do echo $f; done
a1
a2

$ touch b1; echo b[[:digit:]] b[[:alpha:]]
b1 b[[:alpha:]]

$ case abc in a*) echo 1;; *) echo 2;; esac
1

$ case abc in x|abc|y) echo yes;; esac
yes

$ case "a b" in "a b") echo q;; esac; case '*' in \*) echo star;; esac
q
star

$ case x in (x) echo paren;; esac
paren

$ case z in a) ;; esac; echo $?
0

$ x='[a-c]*'; case bcd in $x) echo pattern;; esac; case bcd in "$x") echo no;; *) echo literal;; esac
pattern
literal

$ case a in a) echo 1;& b) echo 2;; c) echo 3;; esac
1
2
~ busybox: has no ;&
~ gnu: has no ;&

$ case '' in '') echo empty;; esac
empty

$ if true; then echo t; else echo f; fi; if false; then echo t; elif true; then echo e; else echo f; fi
t
e

$ if false; then :; fi; echo $?
0

$ i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done
0
1
2

$ i=0; until [ $i -ge 3 ]; do i=$((i+1)); done; echo $i
3

$ for i in a b c; do [ $i = b ] && continue; echo $i; done
a
c

$ for i in a b c; do [ $i = b ] && break; echo $i; done
a

$ for i in 1 2; do for j in 1 2; do [ $j = 2 ] && continue 2; echo $i$j; done; done
11
21

$ for i in 1 2; do for j in 1 2; do break 2; done; done; echo $i$j
11

$ set -- x y; for i; do echo $i; done; for i
$ do echo $i; done
x
y
x
y

$ for i in; do echo no; done; echo $?
0

$ while :; do break; done; echo $?
0

$ f() { echo "f: $1 $#"; }; f a b; echo "$#"
f: a 2
0

$ f() { return 3; }; f; echo $?
3

$ f() { local x=1; g; echo $x; }; g() { echo $x; x=2; }; x=0; f; echo $x
1
2
0

$ f() { x=in; }; x=out; f; echo $x
in

$ f() (x=in; echo $x); x=out; f; echo $x
in
out

$ f() { echo 1; }; f() { echo 2; }; f
2

$ f() { [ $1 -eq 0 ] && return; echo $1; f $(($1-1)); }; f 3
3
2
1

$ function foo { echo foo; }; foo; function bar() { echo bar; }; bar
foo
bar
~ gnu: has no the function keyword

$ f() { echo $0 $1; }; f x
ash x

$ f() { echo out; echo err >&2; } 2>/dev/null; f
out

$ f() { for i in 1 2; do return $i; done; }; f; echo $?
1

$ unset -f f; f() { :; }; unset -f f; f; echo $?
127
! ash: f: not found

$ x=1 y=2; echo $x$y; x=3 true; echo $x; x=4 :; echo $x
12
1
4

$ x=1; x=2 sh -c 'echo $x'; echo $x
2
1

$ f() { echo $x; }; x=1; x=2 f; echo $x
2
1

$ export x=5; sh -c 'echo $x'; unset x; sh -c 'echo [$x]'
5
[]

$ x=5; sh -c 'echo [$x]'; export x; sh -c 'echo [$x]'
[]
[5]

$ export -n x; x=5; export x; export -n x; sh -c 'echo [$x]'
[]
~ gnu: dash says or does it differently

$ readonly r=1; (r=2); echo $? $r
2 1
! ash: r: is read only

$ readonly r=1; (unset r); echo $?
2
! ash: unset: line 0: r: is read only

$ set -a; v=1; sh -c 'echo $v'
1

$ x=~; [ "$x" = "$HOME" ] && echo home; echo ~/a | sed "s|$HOME|H|"
home
H/a

$ x=a:~:~/b; echo $x | sed "s|$HOME|H|g"; echo a~ "~" \~
a:H:H/b
a~ ~ ~

$ true && echo 1; false && echo 2; true || echo 3; false || echo 4
1
4

$ false || false || echo x; true && true && echo y; true && false || echo z
x
y
z

$ ! true; echo $?; ! false; echo $?
1
0

$ { echo a; echo b; } | cat; (echo c; echo d) | cat
a
b
c
d

$ echo a | cat | cat | cat
a

$ false | true; echo $?; true | false; echo $?
0
1

$ set -o pipefail; false | true; echo $?; exit 3 | true; echo $?; true | true; echo $?
1
3
0
~ gnu: has no pipefail

$ echo x | while read a; do b=$a; done; echo "[$b]"
[]

$ ! false | true; echo $?
1

$ echo a >f; echo b >>f; cat f; cat <f
a
b
a
b

$ echo a >f; cat <<EOF
$ $(cat f) $((1+1)) ${x:-d} \$x \\ "q"
$ EOF
a 2 d $x \ "q"

$ cat <<'EOF'
$ $x $(y) \z
$ EOF
$x $(y) \z

$ cat <<-EOF
$ 	a
$ 		b
$ 	EOF
a
b

$ cat <<A; cat <<B
$ a
$ A
$ b
$ B
a
b

$ cat <<EOF | tr a-z A-Z
$ pipe
$ EOF
PIPE

$ x=$(cat <<EOF
$ in subst
$ EOF
$ ); echo $x
in subst

$ while read l; do echo "[$l]"; done <<EOF
$ 1
$ 2
$ EOF
[1]
[2]

$ cat <<EOF
$ a\
$ b
$ EOF
ab

$ cat <<"E O F"
$ x
$ E O F
x

$ f() { cat <<EOF
$ $1
$ EOF
$ }; f one; f two
one
two

$ echo err 2>&1 >/dev/null; echo out >/dev/null; { echo e >&2; } 2>&1
e

$ { echo out; echo err >&2; } >f 2>&1; cat f
out
err

$ { echo out; echo err >&2; } 2>&1 >f | sed s/^/p:/; cat f
p:err
out

$ exec 3>f; echo three >&3; exec 3>&-; cat f; (echo x >&3) 2>/dev/null; echo $?
three
1
~ gnu: dash says or does it differently

$ echo data >f; exec 4<f; read x <&4; echo $x
data

$ echo a >f; exec 5<>f; read x <&5; echo b >&5; cat f
a
b

$ set -C; echo a >f; (echo b >f) 2>/dev/null; echo $?; echo c >|f; cat f
1
c
~ gnu: dash says or does it differently

$ echo x >&- 2>/dev/null; echo $?
1

$ cat <nonexistent; echo $?
1
! ash: can't open nonexistent: no such file
~ gnu: dash says or does it differently

$ echo x >/nonexistent/f; echo $?
1
! ash: can't create /nonexistent/f: nonexistent directory
~ gnu: dash says or does it differently

$ > f; ls f; : >g; ls g
f
g

$ if true; then echo x; fi >f; cat f; for i in 1 2; do echo $i; done >f; cat f
x
1
2

$ while read x; do echo "$x"; done <<E | cat
$ 1
$ E
1

$ echo a &>f; cat f
a

$ { echo o; echo e >&2; } &>f; cat f
o
e
~ gnu: has no &>

$ echo 1 2>f 3>g 1>&2; cat f
1

$ read x y z <<E
$ a b c d
$ E
$ echo "$x|$y|$z"
a|b|c d

$ read -r x <<'E'
$ a\tb
$ E
$ echo "$x"
a\tb
~ gnu: dash says or does it differently

$ read x <<'E'
$ a\
$ b
$ E
$ echo "$x"
ab

$ IFS=: read a b <<E
$ 1:2:3
$ E
$ echo "$a|$b"
1|2:3

$ read x </dev/null; echo $?
1

$ printf 'no newline' | { read x; echo "$? $x"; }
1 no newline

$ printf 'abc\ndef\n' | { read -n 2 x; echo "$x"; }
ab
~ gnu: has no read -n

$ printf 'a:b' | { read -d : x; echo "$x"; }
a
~ gnu: has no read -d

$ echo '  lead trail  ' | { read x; echo "[$x]"; }
[lead trail]

$ printf '%s %d %x %o\n' str 42 255 8
str 42 ff 10

$ printf '%5s|%-5s|%05d|%+d\n' a b 42 7
    a|b    |00042|+7

$ printf '%s\n' a b c; printf 'none\n' ignored
a
b
c
none

$ printf '%b\n' 'a\tb\n'; printf '\101\n'; printf '%%\n'
a	b
|
A
%

$ printf '%c%c\n' abc def; printf '%.2s\n' abcdef; printf '%.3f\n' 3.14159
ad
ab
3.142

$ printf '%d\n' 0x1f 010 "'a"
31
8
97

$ printf '%d\n' abc; echo $?
0
1
! ash: invalid number 'abc'

$ echo -n x; echo -e 'a\tb'; echo -E 'a\tb'; echo 'a\tb'
xa	b
a\tb
a\tb
~ gnu: dash says or does it differently

$ echo -e 'a\cb'; echo; echo -- x
a
-- x
~ gnu: dash says or does it differently

$ test a = a; echo $?; test a = b; echo $?; [ a != b ]; echo $?
0
1
0

$ [ 1 -lt 2 ] && [ 2 -gt 1 ] && [ 1 -le 1 ] && [ 1 -ge 1 ] && [ 1 -eq 1 ] && [ 1 -ne 2 ] && echo ok
ok

$ [ -z '' ] && [ -n x ] && [ x ] && ! [ '' ] && echo ok
ok

$ touch f; mkdir d; ln -s f l; [ -f f ] && [ -d d ] && [ -L l ] && [ -e f ] && ! [ -e n ] && [ ! -s f ] && echo ok
ok

$ [ a = a -a b = b ] && [ a = b -o b = b ] && [ ! a = b ] && [ \( a = a \) ] && echo ok
ok

$ [ a = a; echo $?; [ 1 -eq x ]; echo $?
2
2
! ash: missing ]
! ash: x: bad number

$ [ -t 0 ]; echo $?; test; echo $?; test '!'; echo $?
1
1
0

$ [[ a == a* ]] && echo 1; [[ a == "a*" ]] || echo 2; [[ abc =~ ^a.c$ ]] && echo 3
1
2
3
~ busybox: takes a quoted pattern in [[ for a pattern
~ gnu: has no [[

$ [[ -n x && ( -z '' || a = b ) ]] && echo y; x='a b'; [[ $x = 'a b' ]] && echo z
y
z
~ busybox: has no operators in [[
~ gnu: has no [[

$ eval echo a b; x='echo $y'; y=1; eval $x; eval "$x"; eval ''; echo $?
a b
1
1
0

$ eval 'f() { echo f; }'; f; eval 'exit 3'; echo no
f
? 3

$ echo 'echo sourced $1; x=1; return 4' >s; . ./s arg; echo $? $x
sourced arg
4 1
~ gnu: dash says or does it differently

$ echo 'echo "$@"' >s; set -- a b; . ./s; . ./s c; echo "$@"
a b
c
a b
~ gnu: dash says or does it differently

$ . ./missing; echo unreached
! ash: .: line 0: can't open './missing': No such file or directory
? 2

$ command -v echo; command -v nosuch; echo $?; command echo x
echo
127
x

$ command . ./missing; echo $?
2
! ash: .: line 0: can't open './missing': No such file or directory

$ type echo; f() { :; }; type f; type if
echo is a shell builtin
f is a function
if is a shell keyword
~ gnu: dash says or does it differently

$ alias ll='echo aliased'
$ ll x
$ unalias ll
$ ll; echo $?
aliased x
127
! ash: ll: not found

$ alias a='echo ' b=c
$ a b
c

$ alias e=echo
$ eval 'e x'
x

$ trap 'echo bye' EXIT; echo hi
hi
bye

$ trap 'echo bye; exit 5' EXIT; exit 3
bye
? 5

$ trap 'echo $?' EXIT; (exit 4)
4
? 4

$ trap 'echo term' TERM; kill -TERM $$; echo after
term
after

$ trap 'echo u' USR1; (kill -USR1 $$); echo x
u
x

$ trap '' TERM; kill -TERM $$; echo alive; trap - TERM; trap
alive

$ trap 'echo a' USR1; trap 'echo b' TERM EXIT; trap; trap - EXIT
trap -- 'echo b' EXIT
trap -- 'echo a' USR1
trap -- 'echo b' TERM

$ (trap 'echo sub' EXIT); echo parent
sub
parent

$ trap 'echo out' EXIT; (echo in)
in
out

$ trap 'echo e' EXIT; trap '' EXIT; echo x
x

$ f() { trap 'echo ft' EXIT; }; f; echo end
end
ft

$ sleep 0 & wait $!; echo $?; (exit 3) & wait $!; echo $?
0
3

$ (exit 2) & (exit 3) & wait; echo $?
0

$ sh -c 'kill -9 $$'; echo $?
137
! Killed

$ nosuchcommand; echo $?; ./nosuch; echo $?; mkdir d; ./d; echo $?
127
127
126
! ash: nosuchcommand: not found
! ash: ./nosuch: not found
! ash: ./d: Permission denied

$ echo 'echo script' >s; ./s; echo $?; chmod +x s; ./s; echo $?
126
script
0
! ash: ./s: Permission denied

$ (exit 300); echo $?; (exit 255); echo $?
44
255

$ set -e; true; false; echo unreached
? 1

$ set -e; false || true; if false; then :; fi; ! true; false && true; echo reached
reached

$ set -e; (false); echo unreached
? 1

$ set -e; x=$(false); echo unreached
? 1

$ set -e; f() { false; echo in; }; if f; then echo ok; fi
in
ok

$ set -e; { false; } || echo caught; while false; do :; done; echo end
caught
end

$ set -e; trap 'echo exit' EXIT; false
exit
? 1

$ set -e; echo $(false; echo sub); echo x
|
x
~ busybox: set -e does not reach into a substitution

$ set -e; false | true; echo a; true | false; echo b
a
? 1

$ set -u; echo ${x-d}; echo $x; echo unreached
d
! ash: x: parameter not set
? 2

$ set -u; echo "$@" $# "$*"; echo ${1-none}; echo $1
0 
none
! ash: 1: parameter not set
? 2

$ set -x; echo a 'b c'; x=1; [ $x = 1 ]
a b c
! + echo a 'b c'
! + x=1
! + '[' 1 '=' 1 ]

$ PS4='> '; set -x; true; { set +x; } 2>/dev/null; echo end
end
! > true

$ set -n; echo unreached

$ set -v
$ echo a
a

$ set -o noglob; echo *; set +o noglob; set -o | grep noglob
*
noglob          off

$ set -- -a b; echo $1; set -- ; echo $#; set x; echo $1
-a
0
x

$ set -e -u; echo $-
ceu
~ busybox: lists the letters in another order
~ gnu: lists the letters in another order

$ getopts ab:c o -a -bfoo -c rest; echo $o $OPTIND; getopts ab:c o -a -bfoo -c rest; echo $o $OPTARG; getopts ab:c o -a -bfoo -c rest; echo $o; getopts ab:c o -a -bfoo -c rest; echo $? $OPTIND
a 2
b foo
c
1 4

$ while getopts xy: o -x -y 1 -xy2 file; do echo $o $OPTARG; done; echo $OPTIND
x
y 1
x
y 2
5

$ getopts a o -z; echo $o; getopts :a o -z; echo $o $OPTARG; OPTIND=1; getopts :a: o -a; echo $o $OPTARG
?
?
: a
! Illegal option -z

$ set -- -ab; while getopts ab o; do echo $o; done
a
b

$ umask 027; umask; umask -S; umask u=rwx,go=; umask
0027
u=rwx,g=rx,o=
0077

$ cd /; pwd; cd usr/bin; pwd; cd ..; pwd; cd -; echo $OLDPWD
/
/usr/bin
/usr
/usr/bin
/usr

$ mkdir -p a/b; ln -s a/b l; cd l; pwd | sed 's|.*/||'; cd -P .; pwd | sed 's|.*/a|a|'
l
a/b

$ cd /nonexistent; echo $?
2
! ash: cd: line 0: can't cd to /nonexistent: No such file or directory

$ mkdir x; CDPATH=/:.; cd tmp; pwd
/tmp
/tmp
~ busybox: doubles the slash
~ gnu: doubles the slash

$ HOME=/tmp; cd; pwd; unset HOME; cd; echo $?
/tmp
0

$ (cd /; pwd); pwd | grep -c tmp
/
1

$ x=$(cd / && pwd); echo $x; pwd | grep -c tmp
/
1

$ echo $$ | grep -c '^[0-9]*$'; (echo $$) | grep -c "^$$\$"
1
1

$ true & echo $! | grep -c '^[0-9]*$'; wait
1

$ exec echo replaced; echo unreached
replaced

$ exec nosuch; echo unreached
! ash: exec: line 0: nosuch: not found
? 127

$ (exec false); echo $?
1

$ (exit); echo $?; false; (exit); echo $?
0
1

$ echo a; # comment
$ echo b # c
$ echo c#d '#e'
a
b
c#d #e

$ echo a\
$ b "c\
$ d" 'e\
$ f'
ab cd e\
f

$ echo "a
$ b"
a
b

$ if true
$ then
$ echo x
$ fi
x

$ echo a;echo b;
a
b

$ { echo a;}; (echo b)
a
b

$ echo 'syntax'; if
! ash: syntax error: unexpected end of file (expecting "then")
? 2

$ echo ok
$ fi
ok
! ash: syntax error: unexpected "fi"
? 2

$ echo "unterminated
! ash: syntax error: unterminated quoted string
? 2

$ echo $(unterminated
! ash: syntax error: unexpected end of file (expecting ")")
? 2

$ for x in a; do echo $x
! ash: syntax error: unexpected end of file (expecting "done")
? 2

$ case x in
! ash: syntax error: unexpected end of file (expecting ")")
? 2

$ ( echo a
! ash: syntax error: unexpected end of file (expecting ")")
? 2

$ echo a & & echo b
! ash: syntax error: unexpected "&"
? 2

$ f( { echo; }
! ash: syntax error: unexpected word (expecting ")")
? 2

$ echo ${x
! ash: syntax error: missing '}'
? 2

$ x=(a b)
! ash: syntax error: unexpected "("
? 2

$ echo 'a'"b"c\d
abcd

$ echo "\$x \`x\` \"q\" \\ \a"
$x `x` "q" \ \a
~ gnu: dash says or does it differently

$ echo $'a\tb\nc' $'\x41\101' $'it\'s'
a	b
c AA it's
~ gnu: has no $'…'

$ echo "$'a'"
$'a'

$ x='$y'; y=z; echo $x "$x"; eval echo $x
$y $y
z

$ x=a; x=b y=$x; echo $y
b

$ a=1; b=$a; c="$a $b"; d='$a'; echo $b "$c" $d
1 1 1 $a

$ echo {a,b} {1..3}
{a,b} {1..3}

$ x='a\b'; echo $x "$x" '\'
a\b a\b \
~ gnu: dash says or does it differently

$ x='\*'; case '*' in $x) echo esc;; esac
esc

$ echo "$(printf '%s' 'a\\b')"
a\\b
~ gnu: dash says or does it differently

$ x=`echo 'a\\b'`; echo "$x"
a\b
~ gnu: dash says or does it differently

$ echo "`echo "a b"`" `echo '$HOME' | cut -c1`
a b $

$ unset x; x=${y:-$(echo sub)}; echo $x
sub

$ x=${y:-`echo bq`}; echo $x; x=${y:-$((2+2))}; echo $x
bq
4

$ x=abc; echo ${x#${x%c}}
c

$ echo ${x:-${y:-${z:-deep}}}
deep

$ x="a b"; echo ${x:+"$x c"}; echo ${x:+$x c}
a b c
a b c

$ set -- 'a b' c; echo ${1+"$@"}; for i in ${1+"$@"}; do echo "<$i>"; done
a b c
<a b>
<c>

$ for i in "${x:-a b}" ${x:-c d} ${x:-"e f"}; do echo "<$i>"; done
<a b>
<c>
<d>
<e f>

$ x='a  b'; for i in $x"$x"$x; do echo "<$i>"; done
<a>
<ba  ba>
<b>

$ x=' a'; y='b '; for i in 1$x$y'2'; do echo "<$i>"; done
<1>
<ab>
<2>

$ x=; for i in $x "" '' "$x"; do echo "<$i>"; done
<>
<>
<>

$ x=; for i in a$x $x; do echo "<$i>"; done
<a>

$ hash nosuch; echo $?
1
! ash: hash: line 0: nosuch: not found

$ times | wc -l
2

$ ulimit -n >/dev/null; echo $?; ulimit -c 0; ulimit -c
0
0

$ kill -l 9; kill -l KILL; kill -l 137
KILL
9
KILL
~ gnu: dash says or does it differently

$ kill -0 $$; echo $?; kill -s TERM 999999; echo $?
0
1
! ash: can't kill pid 999999: No such process

$ kill; echo $?
1
! ash: you need to specify whom to kill
~ gnu: dash says or does it differently

$ wait 999999; echo $?
127

$ local x; echo $?
! ash: local: line 0: not in a function
? 2

$ f() { local a b=2; a=1; echo $a$b; }; f; echo "[$a$b]"
12
[]

$ f() { local x; echo "[$x]"; x=1; }; x=0; f; echo $x
[]
0
~ gnu: dash says or does it differently

$ x=0; f() { local x=$x; x=$((x+1)); [ $x -lt 3 ] && f; echo $x; }; f; echo $x
3
2
1
0

$ return 3
? 3

$ break; echo $?; continue; echo $?
0
0

$ (echo a; exit 2; echo b); echo $?
a
2

$ (x=1; y=2); echo "[$x$y]"
[]

$ x=1; (x=2; (x=3; echo $x); echo $x); echo $x
3
2
1

$ x=1; y=$(x=2; echo $x); echo $x $y
1 2

$ x=$(set -- a b; echo $#); echo $x $#
2 0

$ f() { echo orig; }; (f() { echo sub; }; f); f
sub
orig

$ y=$(f() { echo sub; }; f); echo $y; f 2>/dev/null; echo $?
sub
127

$ cd /tmp; y=$(cd /; pwd); echo $y; pwd
/
/tmp

$ x=$(exit 3; echo no); echo $? [$x]
3 []

$ for i in 1 2 3; do (exit $i); echo $?; done
1
2
3

$ for i in $(seq 3); do echo $i; done | tail -1
3

$ n=0; while read l; do n=$((n+1)); done </etc/passwd; [ $n -gt 5 ] && echo many
many

$ echo a | { read x; echo $x; cat; } ; echo b | (cat; echo c)
a
b
c

$ (echo out; echo err >&2) 2>/dev/null | cat
out

$ echo $(echo out; echo err >&2) 2>/dev/null
out
! err

$ echo "$(echo a >&2)" 2>&1
|
! a

$ x=$( (echo sub) ); echo $x; x=$( { echo grp; } ); echo $x
sub
grp

$ cat <(echo proc) 2>/dev/null
proc
~ gnu: has no process substitution

$ LC_ALL=C sh -c 'echo $LC_ALL'; echo $LC_ALL
C
C

$ sh -c 'echo $0 $1' name arg; sh -c 'echo $#' n a b c
name arg
3

$ echo 'echo $0 $1' >s; sh s x; sh ./s y
s x
./s y

$ echo 'exit 7' | sh; echo $?; echo 'echo $1' | sh -s arg
7
arg

$ printf 'read x\ndata\necho "got $x"\n' | sh
got data
~ busybox: reads a pipe ahead of its commands
~ gnu: reads a pipe ahead of its commands

$ sh -e -c 'false; echo no'; echo $?; sh -u -c 'echo $x'; echo $?
1
2
! sh: x: parameter not set

$ sh nosuchfile; echo $?
127
! sh: can't open 'nosuchfile': No such file or directory
~ busybox: status 2, POSIX has 127
~ gnu: status 2, POSIX has 127

$ sh -o errexit -c 'false; echo no'; echo $?
1

$ sh -c 'exit' ; echo $?; sh -c ''; echo $?; sh -c '
$ '; echo $?
0
0
0

$ echo "exec 3<&0; cat <&3" >s; echo in | sh s
in

$ x=5 eval 'echo $x'; echo $x
5
5

$ x=1; x=2 export y=3; echo $x $y
2 3

$ : ${x:=default}; echo $x
default

$ true; echo $?; false; echo $?; echo $?
0
1
0

$ a=1 b=2 sh -c 'echo $a$b'
12

$ unset a; a=1 echo $a; echo "[$a]"
|
[]

$ IFS=x; v=axbxc; echo $v; echo "$v"; set -- $v; echo $#
a b c
axbxc
3

$ OIFS=$IFS; IFS=/; set -- $(echo a/b/c); IFS=$OIFS; echo $2
b

$ x="'a b'"; set -- $x; echo $#; eval set -- $x; echo $#
2
1

$ set -- "$(printf 'a\nb')"; echo "$1"; echo $1
a
b
a b

$ echo $((010 + 0x10)) $((1 == 1 && 2 > 1))
24 1

$ i=5; while [ $((i-=1)) -gt 0 ]; do printf %s $i; done; echo
4321

$ [ $((3 > 2)) -eq 1 ] && echo yes
yes

$ echo $(($#)) $((${#x})) $(( $(echo 4) * 2 ))
0 0 8

$ x=5; echo $((x>3?1:0)) $(( (x+1) % 2 ))
1 0

$ echo $((08)); echo no
! ash: arithmetic syntax error
? 2

$ a=3 b=4; echo $((a*a+b*b)) $((a=b,a))
25 4
~ gnu: dash says or does it differently

$ x=-5; echo $((5-$x)) $((5 - x)) $((-x)) $((- -x))
10 10 5 -5

$ f() { echo "$FUNCNAME"; }; f
f
~ gnu: has no FUNCNAME

$ echo $PPID | grep -c '^[0-9]'; echo ${RANDOM} | grep -c '^[0-9]'
1
1
~ gnu: has no RANDOM

$ x=$(echo a b | while read p q; do echo $q; done); echo $x
b

$ f() { cat; }; echo piped | f; f <<E
$ here
$ E
piped
here

$ g() { echo $(echo $1 | tr a-z A-Z); }; x=$(g abc); echo $x
ABC

$ for x in a b; do case $x in a) continue;; esac; echo $x; done
b

$ while true; do while true; do break 2; done; done; echo out
out

$ until false; do break; done; echo $?
0

$ a() { b; echo after; }; b() { return 1; }; a; echo $?
after
0

$ if ! false; then echo neg; fi; if (exit 1); then :; else echo sub; fi
neg
sub

$ true | { true; false; }; echo $?; { exit 3; } | true; echo $?
1
0

$ (set -e; false; echo no); echo $?
1

$ x=$(set +e; false; echo yes); echo $x
yes

$ set -- a b c; while [ $# -gt 0 ]; do printf '%s ' "$1"; shift; done; echo
a b c 

$ trap 'echo sig' USR1; kill -USR1 $$; x=$(echo sub); echo $x
sig
sub

$ trap 'echo 1' USR1; sh -c "kill -USR1 $$"; echo done
1
done

$ sleep 2 & p=$!; kill $p; wait $p; echo $?
143
! Terminated

$ exec 2>err; nosuch_cmd; exec 2>&1; sed 's/.*: //' err
not found

$ exec 3>&1; x=$(echo captured; echo direct >&3); echo $x
direct
captured

$ exec 9<<E
$ here
$ E
$ cat <&9
here

$ { cat <&3; } 3<<E
$ three
$ E
three

$ cat <<E >f; cat f
$ x
$ E
x

$ cat <<E1 - <<E2
$ a
$ E1
$ b
$ E2
b

$ echo x | tee f >/dev/null; cat f
x

$ read a b <<E
$ only
$ E
$ echo "[$a][$b]"
[only][]

$ printf '1 2\n3 4\n' | while read a b; do echo $((a+b)); done
3
7

$ echo "a:b:c" | (IFS=: read x y; echo $y)
b:c

$ printf 'a\0b\n' | { read x; echo "$x"; }
ab

$ x=$(printf 'a\0b'); echo "$x" ${#x}
ab 2

$ echo piped | cat /dev/stdin
piped

$ echo hi >/dev/fd/1
hi

$ cat /dev/fd/3 3<<E
$ fd3
$ E
fd3

$ ! ! true; echo $?
0
~ busybox: refuses it
~ gnu: refuses it

$ :() { echo no; }
! ash: syntax error: bad function name
? 2

$ f() { echo f; }
$ f&&echo and;f||echo or;f|cat
f
and
f
f

$ echo a|cat&&echo b>f;cat<f
a
b

$ x=a;case $x in a)echo m;;esac
m

$ for i in 1 2;do echo $i;done;while false;do :;done;if :;then echo y;fi
1
2
y

$ !true; echo $?
127
! ash: !true: not found

$ echo if then else fi do done case esac; if=1; echo $if
if then else fi do done case esac
1

$ for for in for; do echo $for; done
for

$ echo }; echo { ; echo a}b {a
}
{
a}b {a

$ echo "${x:-}}" ${x:-\}} "${x:-a}b}"
} } ab}

$ echo 1>f 2; cat f
2

$ echo 12>f; cat f; echo 1 2 3>f; cat f
|
1 2
~ gnu: dash says or does it differently

$ a=b=c; echo $a; export d=e=f; echo $d
b=c
e=f

$ echo a=b c=~ | sed "s|$HOME|H|"
a=b c=~

$ x=$HOME/$(echo a)/`echo b`; echo "$x" | sed "s|$HOME|H|"
H/a/b

# a quoted character within brackets
$ case '!' in [\!]) echo 1;; esac; case a in ['a']) echo 2;; esac; x=b; case b in [a"$x"]) echo 3;; esac
1
2
3

# a variable that is local already keeps its value
$ f() { local x=1; local x; echo "[$x]"; }; x=0; f; echo $x
[1]
0
