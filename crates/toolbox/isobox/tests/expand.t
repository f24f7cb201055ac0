$ printf 'a\tb\n' | expand
a       b

$ printf '\ta\tb\n' | expand -i
        a	b

$ printf 'a\tb\n' | expand -t 4
a   b

$ printf 'a\tb\tc\td\n' | expand -t 3,6
a  b  c d
~ busybox: says: invalid number '3,6'

$ printf 'a\tb\n' | expand -4
a   b
~ busybox: says: invalid option -- '4'

$ printf 'abcdefgh\tb\n' | expand
abcdefgh        b

$ printf 'a\b\tb\n' | expand | od -c
0000000   a  \b                                   b  \n
0000014
~ busybox: prints otherwise

$ printf '' | expand

$ expand -t 0 /dev/null
? 1

$ expand missing
? 1
