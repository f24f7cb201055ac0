$ seq 100 | shuf | sort -n | md5sum
d632eba71107bf7bc3ec423eab256d78  -

$ seq 100 | shuf -n 5 | wc -l
5

$ shuf -e a b c | sort
a
b
c

$ shuf -i 1-10 | sort -n | tr '\n' ' '
1 2 3 4 5 6 7 8 9 10 
\

$ shuf -n 0 -i 1-10

$ seq 3 | shuf -o f; sort f
1
2
3

$ shuf -i 5-4
~ busybox: says: bad range '5-4'

$ shuf -i 1-3 -r -n 20 | wc -l
20
~ busybox: says: invalid option -- 'r'

$ printf 'a\0b\0' | shuf -z | tr '\0' '\n' | sort
a
b

$ shuf missing
? 1

$ printf 'a' | shuf
a
