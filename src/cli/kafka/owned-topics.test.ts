import { internalTopicsOf } from './owned-topics';

test('takes changelogs, shuffles and the control topic, of all incarnations', () => {
  const own = [
    'clicks-by-user-changelog',
    'clicks-by-user-shuffle',
    'clicks-by-user-shuffle-i12',
    'clicks-control',
  ];
  const others = [
    'clicks',
    'clicks-',
    'clicks-changelog',
    'clicks-by-user-changelog-i0',
    'user-counts',
    'xclicks-control',
  ];
  expect(internalTopicsOf('clicks', [...own, ...others])).toEqual(own);
});

test('leaves the topics of an application whose id begins alike', () => {
  const own = ['clicks-a-changelog', 'clicks-control'];
  const others = ['clicks-eu-a-changelog', 'clicks-eu-a-shuffle-i2', 'clicks-eu-control'];
  expect(internalTopicsOf('clicks', [...own, ...others])).toEqual(own);
  expect(internalTopicsOf('clicks-eu', [...own, ...others])).toEqual(others);
});

test('takes a prefix by the letter, not as a pattern', () => {
  expect(internalTopicsOf('a.b', ['a.b-s-changelog', 'axb-s-changelog', 'axb-control'])).toEqual([
    'a.b-s-changelog',
  ]);
});
