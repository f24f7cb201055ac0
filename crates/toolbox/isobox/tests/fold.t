$ echo abcdefghij | fold -w 4
abcd
efgh
ij

$ echo 'abc def ghi' | fold -s -w 5
abc 
def 
ghi

$ printf 'a\tb\n' | fold -w 4
a
	
b

$ printf 'a\tb\n' | fold -b -w 2
a	
b

$ printf 'abcdef' | fold -w 3
abc
def
\

$ echo abc | fold -w 0
? 1

$ printf 'abcd\b\bxy\n' | fold -w 4 | od -c
0000000   a   b   c   d  \b  \b   x   y  \n
0000011

$ printf 'a b c d e f\n' | fold -s -w 4
a b 
c d 
e f

$ printf '\n\n' | fold
|
|

$ echo abcdef | fold -5
abcde
f
