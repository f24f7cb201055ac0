$ printf 'abcd\0ef\0ghijk\n' | strings
abcd
ghijk

$ printf 'abcd\0ef\0ghijk\n' | strings -n 2
abcd
ef
ghijk

$ printf '\0\0abcd\0' | strings -t d
      2 abcd

$ printf '\0\0abcd\0' | strings -t x
      2 abcd

$ printf '\0\0abcd\0' | strings -o
      2 abcd

$ printf 'abcd\0' >f; strings -f f
f: abcd

$ printf 'abc\0' | strings

$ printf 'a\tbc\0' | strings
a	bc

$ printf '' | strings
