$ printf 'a\na\nb\n' | uniq
a
b

$ printf 'a\na\nb\n' | uniq -c
      2 a
      1 b

$ printf 'a\na\nb\n' | uniq -d
a

$ printf 'a\na\nb\n' | uniq -u
b

$ printf 'a\nA\nb\n' | uniq -i
a
b

$ printf '1 a\n2 a\n3 b\n' | uniq -f 1
1 a
3 b

$ printf 'xa\nya\nzb\n' | uniq -s 1
xa
zb

$ printf 'ab1\nab2\nac3\n' | uniq -w 2
ab1
ac3

$ printf 'a\na\nb\n' >f; uniq f g; cat g
a
b

$ printf 'a\na\nb\nb\nc\n' | uniq -D
a
a
b
b
~ busybox: says: invalid option -- 'D'

$ printf 'a\na\nb\nb\nc\n' | uniq --all-repeated=separate
a
a
|
b
b
~ busybox: says: unrecognized option '--all-repeated=separate'

$ printf 'a\0a\0b\0' | uniq -z | tr '\0' '\n'
a
b

$ printf 'a\na' | uniq
a

$ printf '' | uniq

$ printf 'a\na\nb\n' | uniq -cd
      2 a

$ uniq missing
? 1
