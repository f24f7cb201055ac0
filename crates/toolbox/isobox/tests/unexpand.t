$ printf '        a\n' | unexpand
	a

$ printf '        a        b\n' | unexpand -a
	a	 b

$ printf '    a\n' | unexpand -t 4
	a

$ printf '        a       b\n' | unexpand -a -f
	a       b
~ gnu: says: invalid option -- 'f'

$ printf '  \ta\n' | unexpand
	a

$ printf 'a       b\n' | unexpand
a       b
~ busybox: prints otherwise

$ printf '   a\n' | unexpand
   a

$ printf 'a      b\n' | unexpand -t 4
a	   b

$ printf '' | unexpand

$ unexpand missing
? 1
