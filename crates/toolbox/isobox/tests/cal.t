$ cal 2 2024
   February 2024
Su Mo Tu We Th Fr Sa
             1  2  3
 4  5  6  7  8  9 10
11 12 13 14 15 16 17
18 19 20 21 22 23 24
25 26 27 28 29
                     
~ gnu: no such command

$ cal 9 1752
   September 1752
Su Mo Tu We Th Fr Sa
       1  2 14 15 16
17 18 19 20 21 22 23
24 25 26 27 28 29 30
                     
                     
                     
~ gnu: no such command

$ cal 1 2000
    January 2000
Su Mo Tu We Th Fr Sa
                   1
 2  3  4  5  6  7  8
 9 10 11 12 13 14 15
16 17 18 19 20 21 22
23 24 25 26 27 28 29
30 31
~ gnu: no such command

$ cal -m 2 2024
   February 2024
Mo Tu We Th Fr Sa Su
          1  2  3  4
 5  6  7  8  9 10 11
12 13 14 15 16 17 18
19 20 21 22 23 24 25
26 27 28 29
                     
~ gnu: no such command

$ cal -j 3 2024
        March 2024
 Su  Mo  Tu  We  Th  Fr  Sa
                     61  62
 63  64  65  66  67  68  69
 70  71  72  73  74  75  76
 77  78  79  80  81  82  83
 84  85  86  87  88  89  90
 91
~ gnu: no such command

$ cal 13 2024
? 1
~ gnu: no such command

$ cal 2024 | head -n 3
                              2024                              
|
      January               February               March        
~ gnu: no such command

$ cal 0
? 1
~ gnu: no such command

$ cal 1 1
     January 1
Su Mo Tu We Th Fr Sa
                   1
 2  3  4  5  6  7  8
 9 10 11 12 13 14 15
16 17 18 19 20 21 22
23 24 25 26 27 28 29
30 31
~ gnu: no such command

$ cal 12 1999
   December 1999
Su Mo Tu We Th Fr Sa
          1  2  3  4
 5  6  7  8  9 10 11
12 13 14 15 16 17 18
19 20 21 22 23 24 25
26 27 28 29 30 31
                     
~ gnu: no such command
