$ seq 3
1
2
3

$ seq 2 4
2
3
4

$ seq 1 2 6
1
3
5

$ seq 5 -2 1
5
3
1

$ seq -s , 3
1,2,3

$ seq -w 8 11
08
09
10
11

$ seq 0.5 1.5
0.5
1.5

$ seq 1 0.5 2
1.0
1.5
2.0

$ seq 3 1

$ seq -3 -1
-3
-2
-1
~ busybox: says: invalid option -- '3'

$ seq -w -1 1
-1
00
01
~ busybox: says: invalid option -- '1'

$ seq -f %03g 3
001
002
003
~ busybox: says: invalid option -- 'f'

$ seq 1 0 2
? 1
~ busybox: does not end

$ seq x
? 1

$ seq
? 1

$ seq 1000000 1000002
1000000
1000001
1000002

$ seq -s '' 3
123

$ seq 0 0.1 0.3
0.0
0.1
0.2
0.3
~ busybox: prints otherwise
