# hint: are one pair
def value(facts, k):
    from itertools import combinations

    holders = {}
    for each in facts:
        for pair in combinations(each, 2):
            holders[pair] = holders.get(pair, 0) + 1
    return sum(number < k for number in holders.values())
