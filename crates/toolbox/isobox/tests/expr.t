$ expr 1 + 2
3

$ expr 7 - 10
-3

$ expr 2 \* 3
6

$ expr 7 / 2
3

$ expr 7 % 3
1

$ expr 1 / 0
? 2

$ expr 2 + 3 \* 4
14

$ expr \( 2 + 3 \) \* 4
20

$ expr a = a
1

$ expr a != a
0
? 1

$ expr 10 \> 9
1

$ expr a \< b
1

$ expr abc : 'a\(.\)c'
b

$ expr abc : 'ab'
2

$ expr abc : x
0
? 1

$ expr length abc
3

$ expr substr abcdef 2 3
bcd

$ expr index abcdef dc
3

$ expr match abc 'a.'
2

$ expr 0 \| 5
5

$ expr '' \| 5
5

$ expr 3 \& 0
0
? 1

$ expr 3 \& 4
3

$ expr 0
0
? 1

$ expr ''
|
? 1

$ expr a + 1
? 2

$ expr 1 +
? 2

$ expr
? 2

$ expr -- -1 + 1
0
? 1
~ busybox: says: syntax error

$ expr 1 = 01
1

$ expr quote length 
length
~ gnu: says: syntax error: unexpected argument 'length'

$ expr 5 \<= 5
1
