$ echo abc | rev
cba

$ printf 'ab\ncd\n' | rev
ba
dc

$ printf 'ab' | rev
ba
\

$ printf '' | rev

$ echo abc >f; rev f f
cba
cba

$ printf '\n' | rev
|

$ echo 'a b' | rev
b a

$ rev missing
? 1
